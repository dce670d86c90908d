{#
    The legacy table, as a source. Where the sample stands in for the legacy
    database, the seed that fills it is named too, so that dbt loads it first.
#}
{% macro legacy(system, table) -%}
    {%- if env_var('TRASPASO_LEGACY_SCHEMA', '') == '' -%}
        {%- do ref('legado_' ~ system ~ '__' ~ table) -%}
    {%- endif -%}
    {{ source(system, table) }}
{%- endmacro %}
