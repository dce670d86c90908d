{# Runs what take_keys_off returned, as far as it was not run yet, once the table is loaded. #}
{% macro put_keys_back(relation, keys) -%}
    {%- do load_steps(keys.unique + keys.rest + ['analyze ' ~ relation]) -%}
{%- endmacro %}
