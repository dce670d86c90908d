{#
    The columns of a legacy table that are of another type than their source says, as
    they are, to be held against what legacy_value made of them: a number that should
    have been a decimal may have lost digits, or was none. Lines of a select list, none
    where every column has its type.

    system, table  the legacy table
    prefix         of the names they get, `raw_` in staging, `raw__` in a mart
    before         of the names they have, `raw_` in a mart
#}
{% macro converted_values(system, table, prefix, before='') -%}
    {%- for name in _converted_columns(system, table) %}
    {{ before ~ name }} as {{ prefix ~ name }},
    {%- endfor %}
{%- endmacro %}

{% macro _converted_columns(system, table) -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set source = graph.sources['source.traspaso.' ~ system ~ '.' ~ table] -%}
        {%- for found in adapter.get_columns_in_relation(legacy_relation(system, table)) -%}
            {%- set known = source.columns.get(found.name) -%}
            {%- if known and not _is_type(found, known.data_type) -%}
                {%- do names.append(found.name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{# Text comes in many names. #}
{% macro _is_type(column, data_type) -%}
    {%- set bare = column.data_type | lower | replace('numeric', 'decimal') | replace(' ', '') -%}
    {{ return(
        bare == data_type
        or data_type == 'text' and bare.startswith(('varchar', 'char', 'json', 'enum'))
        or bare == {'timestamp': 'timestampwithouttimezone', 'time': 'timewithouttimezone'}
            .get(data_type)
    ) }}
{%- endmacro %}
