{# The node of `graph` that builds a relation. #}
{% macro relation_node(relation) -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model'
        and node.schema == relation.schema
        and node.alias == relation.identifier -%}
        {{ return(node) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        "relation_node: no model builds " ~ relation ~ ". Put the test under a model."
    ) }}
{%- endmacro %}
