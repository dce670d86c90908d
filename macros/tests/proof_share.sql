{#
    The tables of a proof that one of several models looks at, so that the models end at
    about the same time: the largest table first, each goes to the model that has the
    least. A table is as large as DuckDB's catalog says: rows and columns.

    part  from 1
    of    the number of models
#}
{% macro proof_share(system, part, of) -%}
    {%- if not execute -%}
        {#- dbt must know whatever the model may read -#}
        {{ return(proved_tables(system)) }}
    {%- endif -%}
    {%- set shares = [] -%}
    {%- for _ in range(of) -%}
        {%- do shares.append({'tables': [], 'values': 0}) -%}
    {%- endfor -%}
    {%- for table, values in _largest_first(system, proved_tables(system)) -%}
        {%- set share = shares | sort(attribute='values') | first -%}
        {%- do share.tables.append(table) -%}
        {%- do share.update({'values': share['values'] + values}) -%}
    {%- endfor -%}
    {{ return(shares[part - 1].tables) }}
{%- endmacro %}

{# Each table with its number of values; where nothing is built all are alike. #}
{% macro _largest_first(system, tables) -%}
    {%- if not (is_attached() and is_building()) -%}
        {%- set found = [] -%}
        {%- for table in tables -%}
            {%- do found.append([table, 1]) -%}
        {%- endfor -%}
        {{ return(found) }}
    {%- endif -%}
    {%- set legacy = legacy_relation(system, tables[0]) -%}
    {{ return(run_query(
        "select table_name, estimated_size * column_count as given from duckdb_tables()"
        ~ " where database_name = '" ~ legacy.database ~ "' and schema_name = '"
        ~ legacy.schema ~ "' and table_name in ('" ~ tables | join("', '")
        ~ "') order by 2 desc, 1"
    ).rows) }}
{%- endmacro %}

{#
    One of the two models that share the sums of a system's tables: `write` is
    legacy_sums or shown_sums, `part` 1 or 2.
#}
{% macro sums_of_share(system, part, write) -%}
    {%- set tables = proof_share(system, part, of=2) -%}
    {{ each_model('compat_' ~ system ~ '__', tables, write, and_then()) }}
    {%- if not tables %}
    {{ no_sums() }}
    {%- endif %}
{%- endmacro %}

{# Both of them, as a relation; `name` is that of the models without the part. #}
{% macro both_shares(name) -%}
    (
        select * from {{ ref(name ~ '_1') }}
        union all
        select * from {{ ref(name ~ '_2') }}
    ) as shares
{%- endmacro %}
