{#
    The relation of a legacy table, where `graph` is known. After the switch its name
    belongs to a view, and the table is in the schema `legado_<system>`.
#}
{% macro legacy_relation(system, table) -%}
    {%- set node = graph.sources['source.traspaso.' ~ system ~ '.' ~ table] -%}
    {%- set archive = 'legado_' ~ system -%}
    {%- set schema = node.schema -%}
    {%- if execute and schema != archive -%}
        {%- set moved = adapter.get_relation(
            database=node.database, schema=archive, identifier=node.identifier
        ) -%}
        {%- if moved is not none and moved.type == 'table' -%}
            {%- set schema = archive -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(api.Relation.create(
        database=node.database, schema=schema, identifier=node.identifier
    )) }}
{%- endmacro %}
