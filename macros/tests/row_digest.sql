{#
    60 bits of a row's columns, the same in DuckDB and PostgreSQL: the sum over any
    rows, in any order, says whether both sides hold the same. A bigint, never
    negative; of NULLs too.

    Where a change of one column is all there is, the text below it is another one.
    Texts that hold U+001F could trade places with their neighbours.

    A model that DuckDB runs writes PostgreSQL's part by its own name,
    postgres__row_digest, for postgres_query.

    columns  [{name, data_type}]
    alias    relation of the row
#}
{% macro row_digest(columns, alias) -%}
    {{ adapter.dispatch('row_digest', 'traspaso')(columns, alias) }}
{%- endmacro %}

{% macro postgres__row_digest(columns, alias) -%}
    (
        'x0' || right(md5({{ _row_text(columns, alias, default__shared_text) }}), 15)
    )::bit(64)::bigint
{%- endmacro %}

{% macro duckdb__row_digest(columns, alias) -%}
    (
        '0x' || right(md5({{ _row_text(columns, alias, duckdb__shared_text) }}), 15)
    )::bigint
{%- endmacro %}

{# A function of PostgreSQL takes a hundred arguments at most. #}
{% macro _row_text(columns, alias, write) -%}
    concat_ws(
        chr(31)
        {%- for batch in columns | batch(90) %},
        concat_ws(
            chr(31)
            {%- for column in batch %},
            {{ write(alias ~ '.' ~ column.name, column.data_type) }}
            {%- endfor %}
        )
        {%- endfor %}
    )
{%- endmacro %}
