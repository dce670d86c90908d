{#
    The relation of a legacy table, where `graph` is known. After the switch its name
    belongs to a view, and the table is in the schema `legado_<system>`.
#}
{% macro legacy_relation(system, table) -%}
    {%- set node = graph.sources['source.traspaso.' ~ system ~ '.' ~ table] -%}
    {%- set archive = 'legado_' ~ system -%}
    {%- set schema = node.schema -%}
    {%- if execute and schema != archive -%}
        {%- set named = adapter.get_relation(
            database=node.database, schema=schema, identifier=node.identifier
        ) -%}
        {%- if named is not none and named.type == 'view' and adapter.get_relation(
            database=node.database, schema=archive, identifier=node.identifier
        ) is not none -%}
            {%- set schema = archive -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(api.Relation.create(
        database=node.database, schema=schema, identifier=node.identifier
    )) }}
{%- endmacro %}
