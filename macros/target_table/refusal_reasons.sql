{# The reasons why a candidate is refused, as an array of text. #}
{% macro refusal_reasons(rules) -%}
    {{ adapter.dispatch('refusal_reasons', 'traspaso')(rules) }}
{%- endmacro %}

{% macro _reason_cases(rules) -%}
    {%- for rule in rules %}
        case when {{ rule.violated }} then '{{ rule.reason }}' end{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro postgres__refusal_reasons(rules) -%}
    array_remove(array[{{ _reason_cases(rules) }}]::text[], null)
{%- endmacro %}

{% macro duckdb__refusal_reasons(rules) -%}
    list_filter([{{ _reason_cases(rules) }}]::varchar[], reason -> reason is not null)
{%- endmacro %}
