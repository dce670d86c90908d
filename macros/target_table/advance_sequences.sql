{#
    Sequences go on after the highest value that came from the legacy. They are set even
    where they stand there already: what `nextval` has drawn, a server that crashes
    remembers only roughly, and the numbers would go on elsewhere than was recorded.
#}
{% macro advance_sequences(relation, contract) -%}
    {{ return(target_dispatch('advance_sequences')(relation, contract)) }}
{%- endmacro %}

{% macro postgres__advance_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set sequence = "pg_get_serial_sequence('" ~ relation ~ "', '" ~ column.name ~ "')" -%}
        {%- do load_step(
            "select setval(" ~ sequence ~ ", reached) from (select greatest(max(" ~ column.name
            ~ "), pg_sequence_last_value(" ~ sequence ~ "::regclass)) as reached from "
            ~ relation ~ ") as loaded where reached is not null"
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
