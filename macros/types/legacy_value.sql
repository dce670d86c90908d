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

{#
    From a floating-point number by way of its text: by itself DuckDB multiplies before it rounds,
    and 123456789012345.67 becomes .68. The type is known when the query is planned: nothing is
    left of the choice.
#}
{% macro duckdb__legacy_value(column, type) -%}
    {%- if type.startswith('decimal') -%}
        case
            when typeof({{ column }}) in ('DOUBLE', 'FLOAT')
                then try_cast({{ column }}::text as {{ type }})
            else try_cast({{ column }} as {{ type }})
        end
    {%- else -%}
        try_cast({{ column }} as {{ type }})
    {%- endif -%}
{%- endmacro %}
