{#
    A value as a text that DuckDB and PostgreSQL write alike, never NULL: another
    value of the same type has another text. Cheaper than canonical_text, for it
    needs the same type on both sides, scale included.

    Types: varchar, text, boolean, smallint, integer, bigint, numeric(p,s), date,
    time, timestamp. Any other is refused: the two engines write it
    differently, or nobody has looked.

    PostgreSQL writes dates as its session says: DateStyle must be ISO.

    column  expression
    type    its type, as in a contract
#}
{% macro shared_text(column, type) -%}
    {{ adapter.dispatch('shared_text', 'traspaso')(column, type) }}
{%- endmacro %}

{% macro default__shared_text(column, type) -%}
    {%- set kind = _shared_kind(type) | trim -%}
    {%- if kind == 'text' -%}
        coalesce('=' || {{ column }}, '')
    {%- else -%}
        coalesce(({{ column }})::{{ type }}::text, '')
    {%- endif -%}
{%- endmacro %}

{# DuckDB writes BC after the year, PostgreSQL at the end. #}
{% macro duckdb__shared_text(column, type) -%}
    {%- if _shared_kind(type) | trim == 'date' -%}
        case
            when {{ column }} < '0001-01-01'
                then regexp_replace(
                    ({{ column }})::{{ type }}::text, '^(.*) \(BC\)(.*)$', '\1\2 BC'
                )
            else coalesce(({{ column }})::{{ type }}::text, '')
        end
    {%- else -%}
        {{ default__shared_text(column, type) }}
    {%- endif -%}
{%- endmacro %}

{% macro _shared_kind(type) -%}
    {%- set base = type.split('(')[0] | lower | trim -%}
    {%- if base in ('varchar', 'character varying', 'text') -%}
        text
    {%- elif base in ('date', 'timestamp', 'timestamp without time zone') -%}
        date
    {%- elif
        base in ('boolean', 'smallint', 'integer', 'bigint')
        or base in ('time', 'time without time zone')
        or (base in ('numeric', 'decimal') and '(' in type)
    -%}
        other
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "shared_text: '" ~ type ~ "' is not written alike by both engines; "
            ~ "use canonical_text, or add the type with a test"
        ) }}
    {%- endif -%}
{%- endmacro %}
