{# The type of a relation's column, as PostgreSQL writes it. #}
{% macro column_type(relation, name) -%}
    {{ return(load_step(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '"
        ~ relation ~ "'::regclass and attname = '" ~ name ~ "'"
    ).rows[0][0]) }}
{%- endmacro %}
