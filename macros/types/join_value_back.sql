{#
    Joins a value map from Spanish to the one legacy value that stands for it.

    system  name of the system
    map     name of the map, and the alias of the join
    column  the Spanish value
#}
{% macro join_value_back(system, map, column) -%}
    left join {{ ref(system ~ '__valores') }} as {{ map }}
        on
            {{ map }}.mapa = '{{ map }}'
            and {{ map }}.es_canonico
            and {{ map }}.espanol = {{ column }}
{%- endmacro %}
