{#
    A naive UTC timestamp as a zoned one: the inverse of utc_timestamp.

    column  timestamp expression
#}
{% macro zoned_timestamp(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}
