{# The members of a JSON object as rows of two texts, for a lateral join. #}
{% macro json_members(column) -%}
    {{ adapter.dispatch('json_members', 'traspaso')(column) }}
{%- endmacro %}

{% macro postgres__json_members(column) -%}
    jsonb_each_text({{ column }})
{%- endmacro %}

{% macro duckdb__json_members(column) -%}
    (
        select
            member.name,
            json_extract_string({{ column }}, member.name)
        from (select unnest(json_keys({{ column }})) as name) as member
    )
{%- endmacro %}
