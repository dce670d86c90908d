{#
    The relation of a legacy table, where `graph` is known. After the switch its name
    belongs to a view, and the table is in the schema `legado_<system>`.
#}
{% macro legacy_relation(system, table) -%}
    {%- set node = graph.sources['source.traspaso.' ~ system ~ '.' ~ table] -%}
    {{ return(api.Relation.create(
        database=node.database,
        schema=adapter.dispatch('legacy_schema', 'traspaso')(node, 'legado_' ~ system),
        identifier=node.identifier
    )) }}
{%- endmacro %}

{% macro default__legacy_schema(node, archive) -%}
    {{ return(node.schema) }}
{%- endmacro %}

{% macro postgres__legacy_schema(node, archive) -%}
    {%- if execute and node.schema != archive -%}
        {%- set named = adapter.get_relation(
            database=node.database, schema=node.schema, identifier=node.identifier
        ) -%}
        {%- if named is not none and named.type == 'view' and adapter.get_relation(
            database=node.database, schema=archive, identifier=node.identifier
        ) is not none -%}
            {{ return(archive) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(node.schema) }}
{%- endmacro %}
