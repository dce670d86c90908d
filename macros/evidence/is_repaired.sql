{# Whether a column's value was changed by more than its mapping. #}
{% macro is_repaired(contract, column, queried) -%}
    {%- set name = column.name -%}
    {%- set raw = 'raw__' ~ name -%}
    {%- if raw not in queried -%}
        {{ name }} <> round({{ name }}, {{ column.scale }})
    {%- elif column.repair == 'value_map' -%}
        {{ name }} is not null
        and (
            {{ raw }} is null
            or ({{ raw }}, {{ name }}) not in (
                select
                    map.ingles,
                    map.espanol
                from {{ _value_map(contract) }} as map
                where map.mapa = '{{ column.map }}' and map.es_canonico
            )
        )
    {%- elif column.repair == 'json' -%}
        {{ name }} is not null
        and ({{ raw }} is null or {{ name }} = {{ json_string(raw) }})
    {%- elif column.repair == 'default' -%}
        ({{ raw }} is null
        {%- if column.length is not none %} or {{ map_key(raw) }} = ''{% endif %})
    {%- else -%}
        {{ comparable_text(name, column.type) }}
        is distinct from {{ comparable_text(raw, column.type) }}
    {%- endif -%}
{%- endmacro %}
