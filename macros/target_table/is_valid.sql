{# True of a candidate that no rule refuses. #}
{% macro is_valid(rules) -%}
    {%- for rule in rules %}
        {{ 'and ' if not loop.first }}({{ rule.violated }}) is not true
    {%- else %}
        true
    {%- endfor -%}
{%- endmacro %}
