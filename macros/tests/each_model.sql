{#
    The parts of a proof that looks at one model after the other: what the caller says of
    each, as it stands in `graph`.

        {% call(node) each_model('tinkubot__', tables) %}{{ table_balance(node) }}{% endcall %}

    prefix   of the models' names
    tables   what follows it
    between  what stands between the parts
#}
{% macro each_model(prefix, tables, between='union all') -%}
    {%- for table in tables %}
{{ between if not loop.first }}
-- depends_on: {{ ref(prefix ~ table) }}
{%- if execute %}
{{ caller(graph.nodes['model.traspaso.' ~ prefix ~ table]) }}
{%- else %}
select 1
{%- endif %}
    {%- endfor %}
{%- endmacro %}
