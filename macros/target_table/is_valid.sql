{# True of a candidate that no rule refuses. #}
{% macro is_valid(rules) -%}
    {{ adapter.dispatch('is_valid', 'traspaso')(rules) if rules else 'true' }}
{%- endmacro %}

{% macro default__is_valid(rules) -%}
    {%- for rule in rules %}
        {{ 'and ' if not loop.first }}({{ rule.violated }}) is not true
    {%- endfor -%}
{%- endmacro %}

{#
    One condition over several columns: DuckDB takes those of a single one into its scan,
    and what comes out of that is copied once more, though no row was refused.
#}
{% macro duckdb__is_valid(rules) -%}
    (
    {%- for rule in rules %}
        {{ 'or ' if not loop.first }}({{ rule.violated }})
    {%- endfor %}
    ) is not true
{%- endmacro %}
