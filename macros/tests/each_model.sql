{#
    The parts of a proof that looks at one model after the other.

    prefix   of the models' names
    tables   what follows it
    write    the macro that says a part, of the model as it stands in `graph`; further
             arguments go to it too
    between  what stands between the parts
#}
{% macro each_model(prefix, tables, write, between='union all') -%}
    {%- for table in tables %}
{{ between if not loop.first }}
-- depends_on: {{ ref(prefix ~ table) }}
{%- if execute %}
{{ write(graph.nodes['model.traspaso.' ~ prefix ~ table], *varargs) }}
{%- else %}
select 1
{%- endif %}
    {%- endfor %}
{%- endmacro %}
