{#
    Whether the final tables are in a PostgreSQL that is attached to the DuckDB in which
    the models run: the output `duckdb_to_postgres`.
#}
{% macro is_attached() -%}
    {{ return(target.type == 'duckdb' and target.database == 'destino') }}
{%- endmacro %}
