{# A table of the evidence: `row_fates` or `repairs`, in the schema `traspaso`. #}
{% macro evidence_relation(name) -%}
    {{ return(api.Relation.create(
        database=target.database, schema='traspaso', identifier=name, type='table'
    )) }}
{%- endmacro %}
