{#
    A statement for the attached PostgreSQL, as DuckDB hands it on: within the
    transaction that DuckDB writes in, on the same session.

    sql           in PostgreSQL's own words; may name the database as DuckDB knows it
    alone         in a session of its own, committed at once
#}
{% macro on_server(sql, alone=false) -%}
    call postgres_execute(
        '{{ target.database }}', {{ _server_text(sql) }}
        {{- ', use_transaction=false' if alone }}
    )
{%- endmacro %}

{# A query to it, as a relation. #}
{% macro from_server(sql) -%}
    postgres_query('{{ target.database }}', {{ _server_text(sql) }})
{%- endmacro %}

{# Within PostgreSQL no name has a database. #}
{% macro _server_text(sql) -%}
    '{{ sql | replace('"' ~ target.database ~ '".', '') | replace("'", "''") }}'
{%- endmacro %}

{# A hook of a model, which dbt runs as it is. #}
{% macro server_hook(sql) -%}
    {{ on_server(sql) if is_attached() and sql | trim else sql }}
{%- endmacro %}

{# The rows of a query to the engine that holds the final tables, in no transaction. #}
{% macro target_query(sql) -%}
    {{ return(run_query(
        'select * from ' ~ from_server(sql) if is_attached() else sql
    )) }}
{%- endmacro %}
