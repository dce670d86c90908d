{#
    The key of a row, as text. Where no key is unique,
    the second and later rows of one key get its ordinal ('…#2'); `order_by` says
    which is first.

    columns   key columns; NULL counts as the empty text
    order_by  order of rows that share a key; none where the key is unique
#}
{% macro row_key(columns, order_by=none) -%}
    {%- set key -%}
        {%- if columns | length == 1 -%}
            coalesce({{ columns[0] }}::text, '')
        {%- else -%}
            concat_ws(',',
                {%- for column in columns %} coalesce({{ column }}::text, ''){{ ',' if not loop.last }}
                {%- endfor -%}
            )
        {%- endif -%}
    {%- endset -%}
    {%- if not order_by -%}
        {{ key }}
    {%- else -%}
        {{ key }} || {{ row_ordinal(columns, order_by) }}
    {%- endif -%}
{%- endmacro %}

{# What tells the second and later rows of one key from the first. #}
{% macro row_ordinal(columns, order_by) -%}
    {%- set position -%}
        row_number() over (
            partition by {{ columns | join(', ') }} order by {{ order_by }}
        )
    {%- endset -%}
    case when {{ position }} > 1 then '#' || {{ position }} else '' end
{%- endmacro %}
