{#
    A legacy value as the type that is documented for it; null where it cannot be one,
    which the contract refuses as `column:type`. Costs nothing where it is of that type.
#}
{% macro legacy_value(column, type) -%}
    {{ adapter.dispatch('legacy_value', 'traspaso')(column, type) }}
{%- endmacro %}

{% macro default__legacy_value(column, type) -%}
    {{ column }}::{{ type }}
{%- endmacro %}

{% macro duckdb__legacy_value(column, type) -%}
    try_cast({{ column }} as {{ type }})
{%- endmacro %}
