{#
    The columns whose totals differ between the legacy and what the compat view shows,
    each worked out by its own engine: source_table, column_name, legacy, shown. Sums of
    numbers, first and last of dates and times, of the rows that the evidence says nothing of.

    They are no proof of a row. They show what a proof by rows that DuckDB reads back would
    not: a NaN, which its reader shows as 0, and a value that it writes and reads wrong
    alike. Where row_digest proves, nobody asks.

    node  the compat model, as in `graph`
#}
{% macro compared_totals(node) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set totals = [] -%}
    {%- for column in node.columns.values() -%}
        {%- set base = column.data_type.split('(')[0] | lower | trim -%}
        {%- if base in ('numeric', 'decimal', 'smallint', 'integer', 'bigint') -%}
            {%- do totals.append([column.name, 'sum(typed.' ~ column.name ~ ')']) -%}
        {%- elif base.startswith('date') or base.startswith('time') -%}
            {%- do totals.append([column.name, 'min(typed.' ~ column.name ~ ')']) -%}
            {%- do totals.append([column.name, 'max(typed.' ~ column.name ~ ')']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not (is_reading_back() and is_building() and totals) %}
    select
        null::text as source_table,
        null::text as column_name,
        null::text as legacy,
        null::text as shown
    where false
    {%- else %}
    {%- set apart = apart_keys(node.config.meta.system, table) -%}
    {%- set with_key = has_rows(apart) %}
    select
        '{{ table }}' as source_table,
        unnest([{% for name, _ in totals %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}])
            as column_name,
        unnest(legado.totals) as legacy,
        unnest(destino.totals) as shown
    from (
        {{ _totals(
            totals, legacy_typed(node, with_key), from_target(apart) if with_key else none,
            '[', ']'
        ) }}
    ) as legado
    cross join {{ from_target(_totals(
        totals, shown_typed(node), '(' ~ apart ~ ')' if with_key else none, 'array[', ']'
    )) }} as destino
    {%- endif %}
{%- endmacro %}

{% macro _totals(totals, typed, apart, opens, closes) -%}
    select
        {{ opens }}
        {%- for _, total in totals -%}
        coalesce(({{ total }})::text, ''){{ ', ' if not loop.last }}
        {%- endfor -%}
        {{ closes }} as totals
    from ({{ typed }}) as typed
    {%- if apart is not none %}
    where typed._key not in (select apart.key from {{ apart }} as apart)
    {%- endif %}
{%- endmacro %}
