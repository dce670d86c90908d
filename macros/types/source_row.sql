{#
    The whole legacy row as JSON, for the evidence. Costs nothing until a row is
    refused: neither engine computes a column that nobody reads.

    alias  name of the relation in the FROM clause
#}
{% macro source_row(alias) -%}
    {{ adapter.dispatch('source_row', 'traspaso')(alias) }}
{%- endmacro %}

{% macro postgres__source_row(alias) -%}
    to_jsonb({{ alias }})
{%- endmacro %}

{#
    PostgreSQL's JSON holds neither the character NUL, which is written as the six
    characters of its escape, nor numbers that are none, which become text. (No JSON
    text has a control character in it, so chr(1) can stand for the backslashes that are
    escaped themselves; within a string a name's closing quote would be escaped.)
#}
{% macro duckdb__source_row(alias) -%}
    regexp_replace(
        replace(replace(replace(
            to_json({{ alias }})::text, '\\', chr(1)),
            '\u0000', '\\u0000'),
            chr(1), '\\'
        ),
        '("[A-Za-z0-9_]+"):(NaN|-?Infinity)([,}])', '\1:"\2"\3', 'g'
    )::json
{%- endmacro %}
