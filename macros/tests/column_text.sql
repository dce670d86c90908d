{#
    The canonical text of a column; where the evidence says that its value was
    repaired, and it still is what it was before, the text that is shown for it.

    column    {name, data_type}
    alias     relation of the row
    repaired  relation with the JSON objects `before` and `shown`, from column name
              to text; none for the value as it is
#}
{% macro column_text(column, alias, repaired=none) -%}
    {%- set value = canonical_text(alias ~ '.' ~ column.name, column.data_type) -%}
    {%- if repaired is none -%}
        {{ value }}
    {%- else -%}
        {%- set before = json_member(repaired ~ '.before', column.name) -%}
        {%- set shown = json_member(repaired ~ '.shown', column.name) -%}
        {%- if column.data_type.startswith('json') -%}
            {%- set before = canonical_text(before, column.data_type) -%}
            {%- set shown = canonical_text(shown, column.data_type) -%}
        {%- endif -%}
        case
            when
                {{ has_json_member(repaired ~ '.before', column.name) }}
                and {{ before }} is not distinct from {{ value }}
                then {{ shown }}
            else {{ value }}
        end
    {%- endif -%}
{%- endmacro %}
