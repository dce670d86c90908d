{#
    Legacy columns without a Spanish column of their own are kept in the target's
    JSON column, under the key `_legado`; a member of that name which the JSON had
    itself moves to `_legado._propio`. Where that JSON is no object they have no
    place there: `legado_unplaced` gives them, and target_table lists them as repairs.

    json     JSON expression
    columns  as compact_object takes them; NULLs are left out
#}
{% macro with_legado(json, columns) -%}
    {{ adapter.dispatch('with_legado', 'traspaso')(json, columns) }}
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
        else {{ json }} || coalesce(
            ('{"_legado": ' || {{ compact_object_text(columns) }} || '}')::jsonb, '{}'
        )
    end
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
