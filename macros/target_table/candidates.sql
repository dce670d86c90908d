{#
    The rows that the model offers, each beside the parents that its foreign keys
    name: `_parent_1` is null where the first foreign key's parent is not loaded.
    Joined rather than looked up: the join keeps its speed at any size.

    contract  see target_contract
    sql       the model's query
#}
{% macro candidates(contract, sql) -%}
    (
        select
            offered.*
            {%- for key in contract.foreign_keys %},
            {{ _parent(loop.index) }}.{{ key.to_columns[0] }} as {{ _parent(loop.index) }}
            {%- endfor %}
        from (
            {{ sql }}
        ) as offered
        {%- for key in contract.foreign_keys %}
        {%- set parent = _parent(loop.index) %}
        left join {{ key.to }} as {{ parent }}
            on {% for column in key.columns -%}
                {{ 'and ' if not loop.first -}}
                offered.{{ column }} = {{ parent }}.{{ key.to_columns[loop.index0] }}
            {% endfor %}
        {%- endfor %}
        {{ fence() }}
    )
{%- endmacro %}

{% macro _parent(position) -%}
    _parent_{{ position }}
{%- endmacro %}
