{# The names of the columns whose two texts differ. #}
{% macro filtered_texts(columns) -%}
    {%- set rules = [] -%}
    {%- for column in columns -%}
        {%- do rules.append({
            'reason': column.name,
            'violated': 'is_legacy and is_shown and expected_' ~ loop.index
                ~ ' is distinct from shown_' ~ loop.index,
        }) -%}
    {%- endfor -%}
    {{ refusal_reasons(rules) }}
{%- endmacro %}
