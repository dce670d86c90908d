{#
    The text, or a documented default where there is none: NULL or only blanks, as
    the application's own code takes it.

    column   text expression
    default  the default, without quotes
#}
{% macro or_default(column, default) -%}
    case
        when {{ map_key(column) }} <> '' then {{ column }}
        else '{{ default }}'
    end
{%- endmacro %}
