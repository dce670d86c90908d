{#
    Proves the rows of some keys: each is shown as it is in the legacy table, or has a
    fate, and nothing else is shown. That no row is orphaned the server's own foreign keys
    see to. Stops with what does not hold.

    system  name of the system
    scope   relation (source_table, source_key); a key of null is the whole table
#}
{% macro prove_keys(system, scope) -%}
    {%- set faults = [] -%}
    {%- set found = load_step(
        "select source_table, bool_or(source_key is null) from " ~ scope ~ " group by 1 order by 1"
    ).rows -%}
    {%- for row in found -%}
        {%- set node = graph.nodes['model.traspaso.' ~ system ~ '__' ~ row[0]] -%}
        {%- set differing = load_step(
            'select count(*), min(source_key) from ('
            ~ compared_rows(node, scope=none if row[1] else scope)
            ~ ') as compared where differs or not is_shown or not is_legacy'
        ).rows[0] -%}
        {%- if differing[0] > 0 -%}
            {%- do faults.append(
                row[0] ~ ': ' ~ differing[0] ~ ' rows are not shown as they are, ' ~ differing[1]
                ~ ' for one'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if faults -%}
        {{ exceptions.raise_compiler_error('the proof does not hold: ' ~ faults | join('; ')) }}
    {%- endif -%}
{%- endmacro %}
