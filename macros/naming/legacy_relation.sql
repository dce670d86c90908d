{# The relation of a legacy table, where `graph` is known. #}
{% macro legacy_relation(system, table) -%}
    {%- set node = graph.sources['source.traspaso.' ~ system ~ '.' ~ table] -%}
    {{ return(api.Relation.create(
        database=node.database, schema=node.schema, identifier=node.identifier
    )) }}
{%- endmacro %}
