{# What with_legado found no place for: NULL where the JSON is an object. #}
{% macro legado_unplaced(json, columns) -%}
    {{ adapter.dispatch('legado_unplaced', 'traspaso')(json, columns) }}
{%- endmacro %}

{% macro postgres__legado_unplaced(json, columns) -%}
    case
        when jsonb_typeof({{ json }}) <> 'object' then {{ compact_object(columns) }}
    end
{%- endmacro %}

{% macro duckdb__legado_unplaced(json, columns) -%}
    case
        when json_type({{ json }}) <> 'OBJECT' then {{ compact_object(columns) }}
    end
{%- endmacro %}
