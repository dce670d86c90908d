{#
    A zoned timestamp as the naive UTC timestamp of the target, whatever the time
    zone of the session.

    column  timestamp with time zone expression
#}
{% macro utc_timestamp(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}
