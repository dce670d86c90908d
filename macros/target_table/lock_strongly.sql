{#
    Locks tables against everybody, the server's own maintenance first, see
    keep_maintenance_off.

    tables  their names
#}
{% macro lock_strongly(tables) -%}
    {%- do keep_maintenance_off(
        tables, then='lock table ' ~ tables | join(', ') ~ ' in access exclusive mode;'
    ) -%}
{%- endmacro %}
