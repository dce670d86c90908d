-- Deletes the changes that a load saw, and those that it passed on itself. Their keys are kept
-- for the proof of the switch where that is wanted.
with forgotten as (
    delete from traspaso.changes
    where
        system = %(system)s
        and source_table = any(%(tables)s)
        and (
            operation = 'p'
            or pg_catalog.pg_visible_in_snapshot(transaction, %(seen)s::pg_snapshot)
        )
    returning system, source_table, source_key
),

kept as (
    insert into traspaso.unproved (system, source_table, source_key)
    select distinct
        system,
        source_table,
        source_key
    from forgotten
    where %(to_prove)s
)

select count(*) from forgotten
