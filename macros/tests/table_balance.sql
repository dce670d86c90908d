{#
    The balance and the round trip of one legacy table, as one row:

    source_table, source_rows
    loaded       legacy rows that the compat view shows
    merged, quarantined, excluded   legacy rows in the evidence, by fate
    pending      legacy rows that were written since the last load: they are in none of
                 the other figures
    residue      legacy rows with no fate or with two, evidence without a legacy row or with
                 another one's JSON, and rows of the compat view that no legacy row stands for
    mismatches   loaded rows that the compat view shows otherwise

    node  the compat model, as in `graph`
#}
{% macro table_balance(node) -%}
    {{ target_dispatch('table_balance')(node) }}
{%- endmacro %}

{# legacy, shown: relations that hold some of the rows; none: all of them. #}
{% macro default__table_balance(node, legacy=none, shown=none) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    select
        '{{ table }}' as source_table,
        (
            select count(*) from {{ legacy or legacy_relation(system, table) }}
        ) as source_rows,
        compared.loaded,
        fates.merged,
        fates.quarantined,
        fates.excluded,
        (
            select count(*)
            from (
                select {{ base_key(system, table) }} as _base_key
                from {{ legacy or legacy_relation(system, table) }}
            ) as legacy
            where {{ is_pending(system, table, 'legacy._base_key') }}
        ) as pending,
        compared.missing + compared.unknown + fates.repeated + fates.orphaned
            + fates.altered as residue,
        compared.mismatches
    from (
        {{ adapter.dispatch('compared_counts', 'traspaso')(node, legacy, shown) }}
    ) as compared
    cross join (
        select
            count(*) filter (where position = 1 and fate = 'merged') as merged,
            count(*) filter (where position = 1 and fate = 'quarantined')
                as quarantined,
            count(*) filter (where position = 1 and fate = 'excluded')
                as excluded,
            count(*) filter (where position > 1) as repeated,
            count(*) filter (where position = 1 and is_orphaned) as orphaned,
            count(*) filter (where is_altered) as altered
        from (
            select
                fate.fate,
                row_number() over (
                    partition by fate.source_key order by fate.target_table
                ) as position,
                legacy.source_key is null as is_orphaned,
                {{ is_kept_otherwise('fate', 'legacy') }} as is_altered
            from {{ _fates_of_rows(node, legacy) }}
        ) as numbered
    ) as fates
{%- endmacro %}

{#
    FROM and WHERE of the evidence's rows that are not pending, as `fate`, each beside its
    legacy row, as `legacy`: source_key and, where PostgreSQL holds it, the `legacy_row` itself.
#}
{% macro _fates_of_rows(node, legacy=none) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {{ evidence_relation('row_fates') }} as fate
            left join (
                select
                    {{ proved_key(system, table) }} as source_key
                    {{- whole_row('legacy_row') }}
                from {{ legacy or legacy_relation(system, table) }} as legacy_row
            ) as legacy on fate.source_key = legacy.source_key
            where
                fate.system = '{{ system }}'
                and fate.source_table = '{{ table }}'
                and not {{ is_pending(
                    system, table, base_of_key(system, table, 'fate.source_key')
                ) }}
{%- endmacro %}

{#
    What the comparison of a table's rows counts: loaded, missing, unknown, mismatches.

    Rows are joined one by one only where the sums of their hashes differ: a sum needs
    neither a sort nor a table of keys.
#}
{% macro default__compared_counts(node, legacy, shown) -%}
        select
            count(*) filter (where is_legacy and is_shown) as loaded,
            count(*) filter (where is_legacy and not is_shown) as missing,
            count(*) filter (where is_shown and not is_legacy) as unknown,
            count(*) filter (where is_legacy and is_shown and differs)
                as mismatches
        from ({{ compared_rows(node, legacy=legacy, shown=shown) }}) as compared
{%- endmacro %}

{% macro postgres__compared_counts(node, legacy, shown) -%}
    select
        case when summed.is_same then summed.row_count else found.loaded end as loaded,
        found.missing,
        found.unknown,
        found.mismatches
    from (
        select
            expected.row_count,
            expected.row_count = shown.row_count
            and expected.content is not distinct from shown.content as is_same
        from (
            select
                count(*) as row_count,
                sum(content) as content
            from ({{ expected_rows(node, legacy=legacy) }}) as hashed
        ) as expected
        cross join (
            select
                count(*) as row_count,
                sum(content) as content
            from ({{ shown_rows(node, shown=shown) }}) as hashed
        ) as shown
    ) as summed
    cross join lateral (
        {{ default__compared_counts(node, legacy, shown) }}
        where not summed.is_same
    ) as found
{%- endmacro %}
