{#
    The keys that a sync of one table reads again, without ordinals: those that were
    written, those whose row is looked up in one that was written, and those that were
    refused for, or merged into, a row of such a key. A key of null is the whole table.

    scope     temporary relation to create: source_table, source_key
    contract  see target_contract
#}
{% macro create_scope(scope, contract) -%}
    {%- do load_step('drop table if exists ' ~ scope) -%}
    {%- do load_step(
        'create temporary table ' ~ scope ~ ' as select distinct source_table, source_key from '
        ~ evidence_relation('changes') ~ " where system = '" ~ contract.system
        ~ "' and source_table in ('" ~ contract.sources | join("', '") ~ "')"
    ) -%}
    {%- for followed in contract.follows if followed.source -%}
        {%- do load_step(_looked_up(scope, contract, followed)) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ scope) -%}
    {%- do share_scope(scope, contract) -%}
{%- endmacro %}

{# The rows of the first source whose column `by` names a written row of another table. #}
{% macro _looked_up(scope, contract, followed) -%}
    {%- set table = contract.sources[0] -%}
    insert into {{ scope }} (source_table, source_key)
    select distinct
        '{{ table }}',
        {{ base_key(contract.system, table) }}
    from {{ legacy_relation(contract.system, table) }} as source
    where {{ is_pending(contract.system, followed.source, 'source.' ~ followed.by ~ '::text') }}
    except
    select source_table, source_key from {{ scope }}
{%- endmacro %}

{#
    Completes the scope: a key counts for every source of the table, for its rows are
    found by key; so do the keys of rows that met one of these.
#}
{% macro share_scope(scope, contract) -%}
    {%- do load_step(
        'insert into ' ~ scope ~ ' (source_table, source_key)'
        ~ ' select fate.source_table, '
        ~ "regexp_replace(fate.source_key, '#[0-9]+$', '')"
        ~ ' from ' ~ evidence_relation('row_fates') ~ " as fate where fate.system = '"
        ~ contract.system ~ "' and fate.target_table = '" ~ contract.table ~ "'"
        ~ ' and fate.target_key in (select '
        ~ _row_key(contract, 'final') ~ ' from ' ~ _target_of(contract) ~ ' as final where '
        ~ is_in_scope(scope, contract, 'final') ~ ')'
        ~ ' except select source_table, source_key from ' ~ scope
    ) -%}
    {%- for table in contract.sources -%}
        {%- do load_step(
            'insert into ' ~ scope ~ " (source_table, source_key) select '" ~ table
            ~ "', source_key from " ~ scope ~ " except select source_table, source_key from "
            ~ scope
        ) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ scope) -%}
{%- endmacro %}

{# The relation of the contract's own table. #}
{% macro _target_of(contract) -%}
    {{ return(node_relation(
        graph.nodes['model.traspaso.' ~ contract.system ~ '__' ~ contract.table]
    )) }}
{%- endmacro %}
