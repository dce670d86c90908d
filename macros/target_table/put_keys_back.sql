{# Runs what take_keys_off returned, as far as it was not run yet, once the table is loaded. #}
{% macro put_keys_back(relation, keys) -%}
    {%- for statement in keys.unique + keys.rest -%}
        {%- do load_step(statement) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ relation) -%}
{%- endmacro %}
