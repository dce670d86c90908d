{# CREATE INDEX of an index of the contract. #}
{% macro index_definition(relation, index) -%}
    {{ target_dispatch('index_definition')(relation, index) }}
{%- endmacro %}

{% macro postgres__index_definition(relation, index) -%}
create {{ 'unique ' if index.unique }}index {{ index.name }} on {{ relation }}
    {%- if index.method %} using {{ index.method }}{% endif %} ({{ index.columns | join(', ') }})
    {%- if index.where %} where {{ index.where }}{% endif %}
{%- endmacro %}

{# DuckDB indexes whole columns only, in one order. #}
{% macro duckdb__index_definition(relation, index) -%}
create index {{ index.name }} on {{ relation }} (
    {%- for column in index.columns %}{{ column.split(' ')[0] }}{{ ', ' if not loop.last }}{% endfor -%}
)
{%- endmacro %}
