{#
    A 64-bit hash of a row's columns, equal where their canonical texts are.

    columns   [{name, data_type}]
    alias     relation of the row
    repaired  see column_text
#}
{% macro row_hash(columns, alias, repaired=none) -%}
    {%- set texts -%}
        concat_ws(
            chr(31)
            {%- for column in columns %},
            coalesce('=' || {{ column_text(column, alias, repaired) }}, '-')
            {%- endfor %}
        )
    {%- endset -%}
    {{ adapter.dispatch('text_hash', 'traspaso')(texts) }}
{%- endmacro %}

{% macro default__text_hash(text) -%}
    hash({{ text }})
{%- endmacro %}

{% macro postgres__text_hash(text) -%}
    hashtextextended({{ text }}, 0)
{%- endmacro %}
