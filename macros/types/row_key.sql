{#
    The key of a row, as text. Where no key is unique,
    the second and later rows of one key get their ordinal ('…#2'); `order_by` says
    which is first. See row_ordinal.

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

{#
    What tells the second and later rows of one key from the first. Of one key is what reads
    alike: NULL and the empty text are, and so are 'a,', 'b' and 'a', ',b'. A key that ends as if it
    had an ordinal gets one, always.
#}
{% macro row_ordinal(columns, order_by) -%}
    {%- set key = storable_text(row_key(columns)) -%}
    {%- set position -%}
        row_number() over (
            partition by {{ key }} order by {{ order_by }}, {{ columns | join(', ') }}
        )
    {%- endset -%}
    case
        when {{ position }} > 1 then '#' || {{ position }}
        when {{ without_ordinal(key) }} <> {{ key }} then '#1'
        else ''
    end
{%- endmacro %}
