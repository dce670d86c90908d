{#
    Whether the table can be loaded without its keys, and get them afterwards:
    it is empty, and something is to come.
#}
{% macro load_bare(relation, candidates, rules) -%}
    {{ return(target_dispatch('load_bare')(relation, candidates, rules)) }}
{%- endmacro %}

{# DuckDB takes no key off a table that is there. #}
{% macro default__load_bare(relation, candidates, rules) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro postgres__load_bare(relation, candidates, rules) -%}
    {%- set found = load_step(
        'select not exists (select 1 from ' ~ relation ~ ') and exists (select 1 from '
        ~ candidates ~ ' as candidate where ' ~ is_valid(rules) ~ ')'
    ) -%}
    {{ return(found.rows[0][0]) }}
{%- endmacro %}
