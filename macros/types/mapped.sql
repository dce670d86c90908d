{#
    The Spanish value of a joined map; the value itself where the map has none, so
    that the target's CHECK refuses it: it is never guessed.

    map     name of a map that join_value_map joined
    column  the legacy value
#}
{% macro mapped(map, column) -%}
    coalesce({{ map }}.espanol, {{ column }})
{%- endmacro %}
