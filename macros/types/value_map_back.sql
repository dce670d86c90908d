{#
    A common table expression, named as the map: the one legacy value that stands for each
    Spanish one. `join_value_back` joins it.

    FOR UPDATE upon a view reaches the tables that stand in its FROM and none that stand
    in a common table expression: of a compat view it must lock the Spanish rows, not
    those of the value map, and PostgreSQL refuses it for what a left join may lack.

    system  name of the system
    map     name of the map
#}
{% macro value_map_back(system, map) -%}
    {{ map }} as not materialized (

        select
            espanol,
            ingles
        from {{ ref(system ~ '__valores') }}
        where mapa = '{{ map }}' and es_canonico

    )
{%- endmacro %}
