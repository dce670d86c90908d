{# The JSON as it was, without what was kept in it. #}
{% macro without_legado(json) -%}
    {{ adapter.dispatch('without_legado', 'traspaso')(json) }}
{%- endmacro %}

{% macro postgres__without_legado(json) -%}
    case
        when jsonb_typeof({{ json }}) <> 'object' then {{ json }}
        when ({{ json }} -> '_legado') ? '_propio'
            then {{ json }} || jsonb_build_object(
                '_legado', {{ json }} #> '{_legado,_propio}'
            )
        else {{ json }} - '_legado'
    end
{%- endmacro %}

{% macro duckdb__without_legado(json) -%}
    case
        when json_type({{ json }}) <> 'OBJECT' then {{ json }}
        when json_exists({{ json }}, '$._legado._propio')
            then {{ _duckdb_set_legado(json, json ~ " -> '$._legado._propio'") }}
        else json_merge_patch({{ json }}, '{"_legado": null}')
    end
{%- endmacro %}
