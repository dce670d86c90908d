{#
    The keys that a sync of one table reads again, without ordinals: those that were
    written, those whose row is looked up in one that was written, and those that were
    refused for, or merged into, a row of such a key. A key of null is the whole table.

    scope     temporary relation to create: source_table, source_key, and target_key,
              by which the row stands in the table: the same, unless a part of it was
              repaired
    contract  see target_contract
#}
{% macro create_scope(scope, contract) -%}
    {%- do load_step('drop table if exists ' ~ scope) -%}
    {%- do load_step(
        'create temporary table ' ~ scope ~ ' as select distinct source_table, source_key,'
        ~ ' source_key as target_key from ' ~ evidence_relation('changes')
        ~ " where system = '" ~ contract.system
        ~ "' and source_table in ('" ~ contract.sources | join("', '") ~ "')"
    ) -%}
    {%- for followed in contract.follows if followed.source and load_step(
        'select exists (select 1 from ' ~ evidence_relation('changes') ~ " where system = '"
        ~ contract.system ~ "' and source_table = '" ~ followed.source ~ "')"
    ).rows[0][0] -%}
        {%- do load_step(_looked_up(scope, contract, followed)) -%}
    {%- endfor -%}
    {%- if load_step('select exists (select 1 from ' ~ scope ~ ')').rows[0][0] -%}
        {%- do load_step('analyze ' ~ scope) -%}
        {%- do complete_scope(scope, contract) -%}
    {%- endif -%}
{%- endmacro %}

{# The rows of the first source whose column `by` names a written row of another table. #}
{% macro _looked_up(scope, contract, followed) -%}
    {%- set table = contract.sources[0] -%}
    {%- set key = base_key(contract.system, table) -%}
    insert into {{ scope }} (source_table, source_key, target_key)
    select distinct
        '{{ table }}',
        {{ key }},
        {{ key }}
    from {{ legacy_relation(contract.system, table) }} as source
    where {{ is_pending(contract.system, followed.source, 'source.' ~ followed.by ~ '::text') }}
    except
    select source_table, source_key, target_key from {{ scope }}
{%- endmacro %}

{#
    Completes the scope: with the keys by which its repaired rows stand in the table,
    with those of the rows that met one of these; and a key counts for every source of
    the table.
#}
{% macro complete_scope(scope, contract) -%}
    {%- do _add_to_scope(
        scope,
        'select stands.source_table, stands.source_key, stands.target_key from '
        ~ _repaired_keys(contract) ~ ' as stands inner join ' ~ scope
        ~ ' as given on given.source_table = stands.source_table'
        ~ ' and given.source_key = stands.source_key'
    ) -%}
    {%- do _add_to_scope(
        scope,
        'select fate.source_table, ' ~ without_ordinal('fate.source_key') ~ ', '
        ~ without_ordinal('fate.source_key') ~ ' from '
        ~ evidence_relation('row_fates') ~ " as fate where fate.system = '"
        ~ contract.system ~ "' and fate.target_table = '" ~ contract.table ~ "'"
        ~ ' and fate.target_key in (select '
        ~ _row_key(contract, 'final') ~ ' from ' ~ _target_of(contract) ~ ' as final where '
        ~ is_in_scope(scope, contract, 'final') ~ ')'
    ) -%}
    {%- for table in contract.sources if contract.sources | length > 1 -%}
        {%- do _add_to_scope(
            scope, "select '" ~ table ~ "', source_key, target_key from " ~ scope
        ) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ scope) -%}
{%- endmacro %}

{% macro _add_to_scope(scope, query) -%}
    {%- do load_step(
        'insert into ' ~ scope ~ ' (source_table, source_key, target_key) ' ~ query
        ~ ' except select source_table, source_key, target_key from ' ~ scope
    ) -%}
{%- endmacro %}

{#
    The legacy keys that stand in the table under another key, since a part of it, the
    key of a row that was merged, was repaired: source_table, source_key, target_key.
    Such a key is of ids, which hold no comma.
#}
{% macro _repaired_keys(contract) -%}
    {%- set parts = [] -%}
    {%- set names = [] -%}
    {%- for name in contract.load_key -%}
        {%- set column = contract.columns | selectattr('name', 'equalto', name) | first -%}
        {%- if column.repair == 'merged' and column.source is string -%}
            {%- do names.append(column.source) -%}
            {%- do parts.append(
                "coalesce(max(repair.after) filter (where repair.column_name = '"
                ~ column.source ~ "'), split_part(max(based.key), ',', " ~ loop.index ~ '))'
            ) -%}
        {%- else -%}
            {%- do parts.append("split_part(max(based.key), ',', " ~ loop.index ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    (
        select
            repair.source_table,
            based.key as source_key,
            concat_ws(',', {{ parts | join(', ') }}) as target_key
        from {{ evidence_relation('repairs') }} as repair
        cross join lateral (
            select {{ without_ordinal('repair.source_key') }} as key
        ) as based
        where
            repair.system = '{{ contract.system }}'
            and repair.target_table = '{{ contract.table }}'
            and repair.rule = 'merged'
            and repair.column_name in ('{{ names | join("', '") }}')
        group by repair.source_table, based.key, repair.source_key
    )
{%- endmacro %}

{# The relation of the contract's own table. #}
{% macro _target_of(contract) -%}
    {{ return(node_relation(
        graph.nodes['model.traspaso.' ~ contract.system ~ '__' ~ contract.table]
    )) }}
{%- endmacro %}
