{#
    Sends the rows of a query in DuckDB to a table of the attached PostgreSQL, and makes
    sure that they have come: into a table that DuckDB knows of old it has been seen to
    write none.
#}
{% macro send_rows(into, query) -%}
    {%- set sent = model_step('insert into ' ~ into ~ ' ' ~ query, fetch=true)
        .rows[0][0] | int -%}
    {%- set come = load_step('select count(*) from ' ~ into).rows[0][0] | int -%}
    {%- if sent != come -%}
        {{ exceptions.raise_compiler_error(
            'send_rows: DuckDB has sent ' ~ sent ~ ' rows to ' ~ into
            ~ ', PostgreSQL has ' ~ come ~ '. Say the same command again.'
        ) }}
    {%- endif -%}
{%- endmacro %}
