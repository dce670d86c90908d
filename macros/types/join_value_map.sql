{#
    Joins a value map, a part of the seed `<system>__valores`, by the value's lower
    case without blanks around: an English value, or one that is Spanish already.

    system  name of the system
    map     name of the map, and the alias of the join
    column  the legacy value
#}
{% macro join_value_map(system, map, column) -%}
    left join {{ ref('stg_' ~ system ~ '__valores') }} as {{ map }}
        on
            {{ map }}.mapa = '{{ map }}'
            and {{ map }}.clave = {{ map_key(column) }}
{%- endmacro %}
