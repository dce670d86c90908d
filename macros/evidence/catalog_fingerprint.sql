{#
    One text for all of it: the catalog fingerprint.

    schemas  list of schema names
#}
{% macro catalog_fingerprint(schemas) -%}
    select md5(string_agg(object || '=' || definition, chr(10) order by object, definition))
        as fingerprint
    from (
        {{ catalog_lines("array['" ~ schemas | join("', '") ~ "']") }}
    ) as catalog_lines
{%- endmacro %}
