{#
    The legacy tables that a proof looks at: all of the system, or those that the
    runner names.
#}
{% macro proved_tables(system) -%}
    {%- set named = env_var('TRASPASO_PROVED', '') -%}
    {{ return(named.split(',') if named else var('legacy_keys')[system].keys() | list) }}
{%- endmacro %}
