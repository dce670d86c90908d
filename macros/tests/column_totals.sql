{#
    A column's aggregates, the same in DuckDB and PostgreSQL, at a tenth of what
    row_digest costs: how many values there are, and

    numbers, booleans   their sum, exact; true counts as one
    dates, timestamps   the sum of their days, of their microseconds since 2000;
                        infinities are counted only
    times               the sum of their microseconds
    texts               the sum of their lengths in bytes

    It finds what was lost, cut off or rounded, and any one changed number or date;
    not a text that was changed in place, nor values that traded rows.

    Two columns: <name>_count, <name>_total.

    column  {name, data_type}
    alias   relation of the row
#}
{% macro column_totals(column, alias) -%}
    {{ adapter.dispatch('column_totals', 'traspaso')(column, alias) }}
{%- endmacro %}

{% macro postgres__column_totals(column, alias) -%}
    {{ _column_totals(
        column, alias, 'octet_length', postgres__microseconds, postgres__time_of_day
    ) }}
{%- endmacro %}

{% macro duckdb__column_totals(column, alias) -%}
    {{ _column_totals(
        column, alias, 'strlen', duckdb__microseconds, duckdb__time_of_day
    ) }}
{%- endmacro %}

{% macro _column_totals(column, alias, length, microseconds, time_of_day) -%}
    {%- set value = alias ~ '.' ~ column.name -%}
    {%- set base = column.data_type.split('(')[0] | lower | trim -%}
    {%- set finite = ' filter (where isfinite(' ~ value ~ '))' -%}
    count({{ value }}) as {{ column.name }}_count,
    {% if base in ('varchar', 'character varying', 'text') -%}
    sum({{ length }}({{ value }}))
    {%- elif base == 'boolean' -%}
    sum({{ value }}::integer)
    {%- elif base == 'date' -%}
    sum({{ value }} - date '2000-01-01'){{ finite }}
    {%- elif base.startswith('timestamp') -%}
    sum({{ microseconds(value) }}){{ finite }}
    {%- elif base.startswith('time') -%}
    sum({{ time_of_day(value) }})
    {%- else -%}
    sum({{ value }})
    {%- endif %} as {{ column.name }}_total
{%- endmacro %}

{% macro postgres__microseconds(value) -%}
    (extract(epoch from {{ value }} - timestamp '2000-01-01') * 1000000)::bigint
{%- endmacro %}

{% macro duckdb__microseconds(value) -%}
    epoch_us({{ value }}) - 946684800000000
{%- endmacro %}

{% macro postgres__time_of_day(value) -%}
    (extract(epoch from {{ value }}) * 1000000)::bigint
{%- endmacro %}

{% macro duckdb__time_of_day(value) -%}
    epoch_us({{ value }})
{%- endmacro %}
