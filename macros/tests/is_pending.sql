{#
    True of a row that was written since the last load, and so is not to be compared:
    `traspaso.changes` holds its key, or says that the whole table was emptied.

    system, table  the legacy table
    key            SQL expression of the row's key, without the ordinal of rows that
                   share it, see base_key
#}
{% macro is_pending(system, table, key) -%}
    (
        {{ key }} in (
            select change.source_key
            from {{ evidence_relation('changes') }} as change
            where
                change.system = '{{ system }}'
                and change.source_table = '{{ table }}'
                and change.source_key is not null
        )
        or exists (
            select 1
            from {{ evidence_relation('changes') }} as change
            where
                change.system = '{{ system }}'
                and change.source_table = '{{ table }}'
                and change.source_key is null
        )
    )
{%- endmacro %}
