{#
    The value maps: one seed a system, `<system>__valores`, read in both directions.

    join_value_map   joins the map, by the value's lower case without blanks around
    mapped           the Spanish value; the value itself where the map has none, so
                     that the target's CHECK refuses it: it is never guessed
    join_value_back  joins the map the other way
#}
{% macro join_value_map(system, map, column) -%}
    left join {{ ref('stg_' ~ system ~ '__valores') }} as {{ map }}
        on
            {{ map }}.mapa = '{{ map }}'
            and {{ map }}.clave = {{ map_key(column) }}
{%- endmacro %}

{% macro mapped(map, column) -%}
    coalesce({{ map }}.espanol, {{ column }})
{%- endmacro %}

{% macro map_key(column) -%}
    lower(trim({{ column }}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)))
{%- endmacro %}

{% macro join_value_back(system, map, column) -%}
    left join {{ ref(system ~ '__valores') }} as {{ map }}
        on
            {{ map }}.mapa = '{{ map }}'
            and {{ map }}.es_canonico
            and {{ map }}.espanol = {{ column }}
{%- endmacro %}
