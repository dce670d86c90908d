{#
    The schema of a node: the one it is configured with, as it is written.
    (dbt's own prefixes it with the profile's schema, which would hide the
    Spanish tables behind a developer's name.)
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
