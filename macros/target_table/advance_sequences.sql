{# Sequences go on after the highest value that came from the legacy. #}
{% macro advance_sequences(relation, contract) -%}
    {{ return(adapter.dispatch('advance_sequences', 'traspaso')(relation, contract)) }}
{%- endmacro %}

{% macro postgres__advance_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set sequence = "pg_get_serial_sequence('" ~ relation ~ "', '" ~ column.name ~ "')" -%}
        {%- do load_step(
            "select setval(" ~ sequence ~ ", highest) from (select max(" ~ column.name
            ~ ") as highest from " ~ relation ~ ") as loaded where highest > coalesce("
            ~ "pg_sequence_last_value(" ~ sequence ~ "::regclass), 0)"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# DuckDB sets no sequence: it is drawn from until it is past the highest value. #}
{% macro duckdb__advance_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set sequence = _sequence(relation, column) -%}
        {%- do load_step(
            "select count(nextval('" ~ sequence ~ "')) from (select unnest(range(greatest(0,"
            ~ " (select coalesce(max(" ~ column.name ~ "), 0) from " ~ relation ~ ")"
            ~ " - coalesce((select last_value from duckdb_sequences() where schema_name = '"
            ~ relation.schema ~ "' and sequence_name = '" ~ relation.identifier ~ "_"
            ~ column.name ~ "_seq'), 0)))))"
        ) -%}
    {%- endfor -%}
{%- endmacro %}
