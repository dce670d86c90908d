{#
    The whole legacy row as JSON, for the evidence. Costs nothing until a row is
    refused: neither engine computes a column that nobody reads.

    alias  name of the relation in the FROM clause
#}
{% macro source_row(alias) -%}
    {{ adapter.dispatch('source_row', 'traspaso')(alias) }}
{%- endmacro %}

{% macro postgres__source_row(alias) -%}
    to_jsonb({{ alias }})
{%- endmacro %}

{% macro duckdb__source_row(alias) -%}
    to_json({{ alias }})
{%- endmacro %}
