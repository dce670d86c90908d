{#
    The number of the row group of a legacy row, in DuckDB: rows that lie beside each
    other in the file. As DuckDB's own, or smaller where a transaction is to load fewer.
#}
{% macro row_group() -%}
    (rowid // {{ row_group_size() }})
{%- endmacro %}

{% macro row_group_size() -%}
    {{ return([122880, env_var('TRASPASO_BATCH_ROWS', '2000000') | int] | min) }}
{%- endmacro %}

{#
    The row groups of a legacy table that are not as they were when a load was proved
    last (traspaso.row_groups): [[first, last]] of their row numbers, neighbours as one,
    and how many rows there are. None where it cannot be said, or where half of the
    table or more has changed.

    Returns {'stretches', 'changed', 'rows'}, or none.
#}
{% macro changed_row_groups(contract) -%}
    {%- set source = contract.sources[0] -%}
    {%- set known = load_step(
        "select row_group, rows, digest from traspaso.row_groups where system = '"
        ~ contract.system ~ "' and source_table = '" ~ source ~ "' and engine = '"
        ~ _engine() ~ "'"
    ).rows -%}
    {%- if not known -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set before = {} -%}
    {%- for group in known -%}
        {%- do before.update({group[0] | int: [group[1] | int, group[2] | string]}) -%}
    {%- endfor -%}
    {%- set node = graph.nodes[
        'model.traspaso.compat_' ~ contract.system ~ '__' ~ source
    ] -%}
    {%- set now = model_step(
        'select _row_group, count(*), cast(sum(' ~ duckdb_hash(node.columns.values() | list)
        ~ ') as text) from (' ~ legacy_typed(node, with_key=false, grouped=true)
        ~ ') as typed group by 1 order by 1',
        fetch=true
    ).rows -%}
    {%- set size = row_group_size() -%}
    {%- set found = {'stretches': [], 'changed': 0, 'rows': 0} -%}
    {%- for group in now -%}
        {%- set number = group[0] | int -%}
        {%- do found.update({'rows': found.rows + group[1] | int}) -%}
        {%- if before.get(number) != [group[1] | int, group[2] | string] -%}
            {%- do found.update({'changed': found.changed + group[1] | int}) -%}
            {%- if found.stretches and found.stretches[-1][1] == number * size -%}
                {%- set neighbour = found.stretches.pop() -%}
                {%- do found.stretches.append([neighbour[0], (number + 1) * size]) -%}
            {%- else -%}
                {%- do found.stretches.append([number * size, (number + 1) * size]) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found if found.changed * 2 < found['rows'] else none) }}
{%- endmacro %}

{# DuckDB's version: another one may hash otherwise. #}
{% macro _engine() -%}
    {{ return(run_query('select library_version from pragma_version()').rows[0][0]) }}
{%- endmacro %}

{#
    Stretches of a legacy table, as a relation; DuckDB reads little else.

    stretches  [[first, last]] of row numbers, `last` not included
#}
{% macro legacy_stretches(relation, stretches) -%}
    (
        {%- for stretch in stretches %}
        {{ 'union all' if not loop.first }}
        select * from {{ relation }}
        where rowid >= {{ stretch[0] }} and rowid < {{ stretch[1] }}
        {%- else %}
        select * from {{ relation }} where false
        {%- endfor %}
    )
{%- endmacro %}
