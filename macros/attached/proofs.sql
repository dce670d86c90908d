{#
    The balance of a table whose legacy is in one engine and whose rows are in another.
    Rows that the evidence says nothing of have been summed up in both; the others, and
    those whose sums differ, are compared one by one, as on one engine.
#}
{% macro attached__table_balance(node) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set sums -%}
        (
            select
                sum(filas) as filas,
                sum(llanas) as llanas
            from {{ both_shares('compat_fluxion__sumas_legado') }}
            where source_table = '{{ table }}' and bucket is not null
        )
    {%- endset -%}
    {%- set apart = _compared_apart(node) -%}
    {%- if not has_rows(apart) %}
    select
        '{{ table }}' as source_table,
        coalesce(sums.filas, 0)::bigint as source_rows,
        coalesce(sums.llanas, 0)::bigint as loaded,
        0 as merged,
        0 as quarantined,
        0 as excluded,
        0 as pending,
        0 as residue,
        0 as mismatches
    from {{ sums }} as sums
    {%- else %}
    select
        balance.source_table,
        coalesce(sums.filas, 0)::bigint as source_rows,
        -- the plain rows that are compared one by one are counted there
        (
            balance.loaded + coalesce(sums.llanas, 0) - (
                select count(*)
                from {{ _legacy_apart(node, _plain_apart(node)) }} as plain
            )
        )::bigint as loaded,
        balance.merged,
        balance.quarantined,
        balance.excluded,
        balance.pending,
        balance.residue,
        balance.mismatches
    from (
        {{ default__table_balance(
            node, legacy=_legacy_apart(node, apart), shown=_shown_apart(node, apart)
        ) }}
    ) as balance
    cross join {{ sums }} as sums
    {%- endif %}
{%- endmacro %}

{% macro attached__table_differences(node) -%}
    {%- set apart = _compared_apart(node) -%}
    {%- if has_rows(apart) %}
    {{ default__table_differences(
        node, legacy=_legacy_apart(node, apart), shown=_shown_apart(node, apart)
    ) }}
    {%- else %}
    select
        null::text as source_table,
        null::text as source_key,
        null::text as problem,
        null::text[] as columns
    where false
    {%- endif %}
{%- endmacro %}

{# The keys of the rows that are compared one by one: a query to the target. #}
{% macro _compared_apart(node) -%}
    {{ apart_keys(node.config.meta.system, node.config.meta.source_table) }}
    union
    {{ _differing(node) }}
{%- endmacro %}

{% macro _differing(node) -%}
    select key
    from {{ ref('compat_fluxion__distintas') }}
    where source_table = '{{ node.config.meta.source_table }}'
{%- endmacro %}

{# Those of them that the evidence says nothing of. #}
{% macro _plain_apart(node) -%}
    select differing.key
    from ({{ _differing(node) }}) as differing
    where differing.key not in (
        select apart.key
        from ({{ apart_keys(
            node.config.meta.system, node.config.meta.source_table
        ) }}) as apart
    )
{%- endmacro %}

{% macro _legacy_apart(node, keys) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    (
        select *
        from {{ legacy_relation(system, table) }}
        where {{ storable_text(base_key(system, table)) }} in (
            select apart.key from {{ from_server(keys) }} as apart
        )
    )
{%- endmacro %}

{% macro _shown_apart(node, keys) -%}
    {%- set key = var('legacy_keys')[node.config.meta.system][node.config.meta.source_table] -%}
    {#- so written the primary key's index serves -#}
    {%- set text = (
        key.columns[0] ~ '::text' if key.columns | length == 1
        else row_key(key.columns)
    ) -%}
    {%- set shown = [] -%}
    {%- for column in node.columns.values() -%}
        {%- set size = modules.re.search('\\((\\d+), *(\\d+)\\)', column.data_type) -%}
        {%- if size -%}
            {#- DuckDB's reader shows a NaN as 0 -#}
            {%- do shown.append(
                "(case when " ~ column.name ~ " = 'NaN' then -" ~ '9' * (size.group(1) | int)
                ~ "e-" ~ size.group(2) ~ " else " ~ column.name ~ " end)::" ~ column.data_type
                ~ " as " ~ column.name
            ) -%}
        {%- else -%}
            {%- do shown.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ from_server(
        'select ' ~ shown | join(', ') ~ ' from ' ~ node_relation(node) ~ ' where ' ~ text
        ~ ' in (' ~ keys ~ ')'
    ) }}
{%- endmacro %}
