"""Names and rights: what is there already, and what the role may not do."""

from collections import Counter

from runner.preflight.look import Look, Problem, Problems

# More unreadable tables than these in one schema are said in one line.
_LISTED = 20


def _hidden_state(look: Look) -> Problems:
    if look.state_is_hidden:
        yield Problem(
            f"{look.role} may not read traspaso.steps, so what traspaso made here is unknown",
            f"grant usage on schema traspaso to {look.quoted_role}; "
            f"grant select on traspaso.steps to {look.quoted_role}",
        )


def names(look: Look) -> Problems:
    """Find names of the Spanish tables and their indexes that others have taken."""
    if look.state_is_hidden:
        yield from _hidden_state(look)
        return
    schema, ours = look.settings.target_schema, look.our_tables
    tables = set(look.plan.target_tables)
    indexes = {name for mart in look.marts for name in mart.indexes}
    for row in look.rows("preflight_names.sql", schema=schema, names=[*tables | indexes]):
        # The index of a table that is taken itself is not said again.
        if row["name"] not in ours and row["belongs_to"] not in tables:
            yield Problem(
                f"the name {schema}.{row['name']} is taken by {row['kind']} that traspaso did not "
                "make",
                "rename it or drop it, or set TRASPASO_TARGET_SCHEMA to a schema of its own",
            )


def partitions(look: Look) -> Problems:
    """Find tables that are to be partitioned, and have no column for it, or are there already."""
    schema = look.settings.target_schema
    found = look.rows("relations.sql", schemas=[schema], kinds=["r"])
    plain = {row["relname"] for row in found}
    possible = [mart.table for mart in look.marts if mart.partitioned_by]
    for name in look.settings.partitioned:
        if name not in possible:
            yield Problem(
                f"TRASPASO_PARTITIONED names {name}, which cannot be partitioned; of "
                f"{look.plan.title} these can: {', '.join(possible) or 'none'}",
                "take it out of TRASPASO_PARTITIONED, or add partition_by to its contract's meta",
            )
        elif name in plain:
            yield Problem(
                f"TRASPASO_PARTITIONED names {schema}.{name}, which is there, and not partitioned",
                f"traspaso rollback {look.plan.system} --to 0, or unset TRASPASO_PARTITIONED",
            )


def partitioned(look: Look) -> str:
    """Say which tables the environment asks to be partitioned."""
    return ", ".join(look.settings.partitioned) or "none is asked for in TRASPASO_PARTITIONED"


def reserved_schemas(look: Look) -> Problems:
    """Find schemas under the names of ours that are not ours."""
    if look.state_is_hidden:
        yield from _hidden_state(look)
        return
    for schema in (look.plan.schemas.staging, look.plan.schemas.compat):
        if schema in look.schemas and not look.steps:
            yield Problem(
                f"the schema {schema} is there, but {look.plan.title} was never begun here",
                "rename it or drop it: traspaso makes its own under this name",
            )


def privileges(look: Look) -> Problems:
    """Find what the role may not do, each with the statement that gives it the right."""
    lacking = look.rows(
        "preflight_privileges.sql",
        own_schemas=look.own_schemas,
        legacy_schema=look.settings.legacy_schema,
        target_schema=look.settings.target_schema,
        legacy_tables=look.source_names,
        our_tables=[*look.our_tables],
    )
    unreadable = Counter(row["unreadable_in"] for row in lacking if row["unreadable_in"])
    crowded = {schema: count for schema, count in unreadable.items() if count > _LISTED}
    for row in lacking:
        if row["unreadable_in"] not in crowded:
            yield Problem(f"{look.role} lacks {row['detail']}", row["fix"])
    for schema, count in crowded.items():
        yield Problem(
            f"{look.role} lacks SELECT on {count:,} tables and sequences of {schema}; a backup "
            "reads them all",
            f"grant select on all tables in schema {schema} to {look.quoted_role}; "
            f"grant select on all sequences in schema {schema} to {look.quoted_role}",
        )
