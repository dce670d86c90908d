{# The value kept under a key, as text; `path` may name keys within it. #}
{% macro legado_value(json, path) -%}
    {{ adapter.dispatch('legado_value', 'traspaso')(json, path) }}
{%- endmacro %}

{% macro postgres__legado_value(json, path) -%}
    ({{ json }} #>> '{_legado,{{ path | replace('.', ',') }}}')
{%- endmacro %}

{% macro duckdb__legado_value(json, path) -%}
    ({{ json }} ->> '$._legado.{{ path }}')
{%- endmacro %}
