{#
    The column_totals, texts left out, of the legacy and of what the compat view shows,
    each worked out by its own engine: source_table, column_name, legacy, shown. Of the
    rows that the evidence says nothing of.

    They are no proof of a row. They show what a proof by rows that DuckDB reads back would
    not: a NaN, which its reader shows as 0, and a value that it writes and reads wrong
    alike. Where row_digest proves, nobody asks.

    node  the compat model, as in `graph`
#}
{% macro compared_totals(node) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values()
        if _shared_kind(column.data_type) | trim != 'text' -%}
        {%- do columns.append(column) -%}
    {%- endfor -%}
    {%- if not (is_reading_back() and is_building() and columns) %}
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
        unnest(array[
            {%- for name in _totals_of(columns) %}
            '{{ name }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ]) as column_name,
        unnest(legado.totals) as legacy,
        unnest(destino.totals) as shown
    from (
        {{ _totals(
            columns, column_totals, legacy_typed(node, with_key),
            from_target(apart) if with_key else none
        ) }}
    ) as legado
    cross join {{ from_target(_totals(
        columns, target_dispatch('column_totals'), shown_typed(node),
        '(' ~ apart ~ ')' if with_key else none
    )) }} as destino
    {%- endif %}
{%- endmacro %}

{# The names that column_totals gives. #}
{% macro _totals_of(columns) -%}
    {%- set names = [] -%}
    {%- for column in columns -%}
        {%- do names.extend([column.name ~ '_count', column.name ~ '_total']) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# One row, with the totals as texts in a list; `write` is column_totals of the engine. #}
{% macro _totals(columns, write, typed, apart) -%}
    select array[
        {%- for name in _totals_of(columns) %}
        coalesce(summed.{{ name }}::text, ''){{ ',' if not loop.last }}
        {%- endfor %}
    ] as totals
    from (
        select
            {%- for column in columns %}
            {{ write(column, 'typed') }}{{ ',' if not loop.last }}
            {%- endfor %}
        from ({{ typed }}) as typed
        {%- if apart is not none %}
        where typed._key not in (select apart.key from {{ apart }} as apart)
        {%- endif %}
    ) as summed
{%- endmacro %}
