{#
    Joins a value map from Spanish to the one legacy value that stands for it, which
    `value_map_back` names.

    map     name of the map
    column  the Spanish value
#}
{% macro join_value_back(map, column) -%}
    left join {{ map }} on {{ map }}.espanol = {{ column }}
{%- endmacro %}
