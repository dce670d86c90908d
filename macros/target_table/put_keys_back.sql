{# Runs what take_keys_off returned, once the table is loaded. #}
{% macro put_keys_back(relation, keys) -%}
    {%- for statement in keys -%}
        {%- do load_step(statement) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ relation) -%}
{%- endmacro %}
