{#
    Legacy columns without a Spanish column of their own are kept in the target's
    JSON column, under the key `_legado`; a member of that name which the JSON had
    itself moves to `_legado._propio`. Where that JSON is no object they have no
    place there: `legado_unplaced` gives them, and target_table lists them as repairs.

    json     JSON expression
    columns  dict of key to scalar or JSON expression; NULLs are left out
#}
{% macro with_legado(json, columns) -%}
    {{ adapter.dispatch('with_legado', 'traspaso')(json, columns) }}
{%- endmacro %}

{% macro legado_unplaced(json, columns) -%}
    {{ adapter.dispatch('legado_unplaced', 'traspaso')(json, columns) }}
{%- endmacro %}

{# The value kept under a key, as text; `path` may name keys within it. #}
{% macro legado_value(json, path) -%}
    {{ adapter.dispatch('legado_value', 'traspaso')(json, path) }}
{%- endmacro %}

{# The JSON as it was, without what was kept in it. #}
{% macro without_legado(json) -%}
    {{ adapter.dispatch('without_legado', 'traspaso')(json) }}
{%- endmacro %}

{# JSON object of the given columns without NULLs; NULL where nothing is left. #}
{% macro compact_object(columns) -%}
    {{ adapter.dispatch('compact_object', 'traspaso')(columns) }}
{%- endmacro %}

{% macro _pairs(columns) -%}
    {%- for key, value in columns.items() -%}
        '{{ key }}', {{ value }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro postgres__compact_object(columns) -%}
    nullif(jsonb_strip_nulls(jsonb_build_object({{ _pairs(columns) }})), '{}')
{%- endmacro %}

{% macro postgres__with_legado(json, columns) -%}
    case
        when jsonb_typeof({{ json }}) <> 'object' then {{ json }}
        when {{ json }} ? '_legado'
            then {{ json }} || jsonb_build_object(
                '_legado',
                coalesce({{ compact_object(columns) }}, '{}')
                || jsonb_build_object('_propio', {{ json }} -> '_legado')
            )
        else {{ json }} || jsonb_strip_nulls(
            jsonb_build_object('_legado', {{ compact_object(columns) }})
        )
    end
{%- endmacro %}

{% macro postgres__legado_unplaced(json, columns) -%}
    case
        when jsonb_typeof({{ json }}) <> 'object' then {{ compact_object(columns) }}
    end
{%- endmacro %}

{% macro postgres__legado_value(json, path) -%}
    ({{ json }} #>> '{_legado,{{ path | replace('.', ',') }}}')
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

{% macro duckdb__compact_object(columns) -%}
    nullif(
        json_merge_patch('{}', json_object({{ _pairs(columns) }}))::varchar, '{}'
    )::json
{%- endmacro %}

{#
    A member is set by its text: in DuckDB's json_merge_patch a null, however deep,
    takes a member away.
#}
{% macro duckdb__with_legado(json, columns) -%}
    case
        when json_type({{ json }}) <> 'OBJECT' then {{ json }}
        when json_exists({{ json }}, '$._legado')
            then {{ _duckdb_set_legado(json, _duckdb_set_member(
                "coalesce(" ~ compact_object(columns) ~ ", '{}')",
                '_propio', json ~ " -> '$._legado'"
            )) }}
        else json_merge_patch({{ json }}, coalesce(
            json_object('_legado', {{ compact_object(columns) }}), '{}'
        ))
    end
{%- endmacro %}

{% macro _duckdb_set_legado(json, value) -%}
    {{ _duckdb_set_member(
        "json_merge_patch(" ~ json ~ ", '{\"_legado\": null}')", '_legado', value
    ) }}
{%- endmacro %}

{% macro _duckdb_set_member(json, name, value) -%}
    (
        case
            when ({{ json }})::text = '{}' then '{'
            else left(({{ json }})::text, -1) || ','
        end
        || '"{{ name }}":' || ({{ value }})::text || '}'
    )::json
{%- endmacro %}

{% macro duckdb__legado_unplaced(json, columns) -%}
    case
        when json_type({{ json }}) <> 'OBJECT' then {{ compact_object(columns) }}
    end
{%- endmacro %}

{% macro duckdb__legado_value(json, path) -%}
    ({{ json }} ->> '$._legado.{{ path }}')
{%- endmacro %}

{% macro duckdb__without_legado(json) -%}
    case
        when json_type({{ json }}) <> 'OBJECT' then {{ json }}
        when json_exists({{ json }}, '$._legado._propio')
            then {{ _duckdb_set_legado(json, json ~ " -> '$._legado._propio'") }}
        else json_merge_patch({{ json }}, '{"_legado": null}')
    end
{%- endmacro %}
