{# A table of this load's only; `name` is unique within the session. #}
{% macro temporary_relation(name) -%}
    {{ return(api.Relation.create(identifier=name)) }}
{%- endmacro %}
