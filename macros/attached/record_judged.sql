{#
    Writes the fates and the repairs of the rows that judge_apart judged.

    work    see attached__load_target_table
    judged  what it returned: whether there are any
    partly  whether other rows were judged before: their evidence stays
#}
{% macro record_judged(work, judged, partly=false) -%}
    {%- set contract = work.contract -%}
    {%- if not judged -%}
        {%- if not partly -%}
            {%- set deletes = [] -%}
            {%- for name in ['row_fates', 'repairs'] -%}
                {%- do deletes.append(
                    'delete from ' ~ evidence_relation(name) ~ " where system = '"
                    ~ contract.system ~ "' and target_table = '" ~ contract.table ~ "'"
                ) -%}
            {%- endfor -%}
            {%- do load_steps(deletes) -%}
        {%- endif -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set notable = temporary_relation(contract.table ~ '__notable') -%}
    {%- set scope = none -%}
    {%- if partly -%}
        {%- set scope = temporary_relation(contract.table ~ '__scope') -%}
        {%- do load_step('drop table if exists ' ~ scope) -%}
        {%- do load_step(
            'create temporary table ' ~ scope ~ " as select distinct _source_table as"
            ~ " source_table, " ~ without_ordinal('_source_key') ~ " as source_key from "
            ~ notable
        ) -%}
    {%- endif -%}
    {%- do record_fates(work.relation, contract, notable, work.columns, scope=scope) -%}
    {%- do _record_repairs_apart(work, scope) -%}
    {%- do load_step('drop table ' ~ notable) -%}
    {%- if scope is not none -%}
        {%- do load_step('drop table ' ~ scope) -%}
    {%- endif -%}
{%- endmacro %}

{# DuckDB knows what was repaired, PostgreSQL which of those rows are loaded. #}
{% macro _record_repairs_apart(work, scope) -%}
    {%- set contract = work.contract -%}
    {%- set found = _apart(contract, 'repairs') -%}
    {%- set repairs = _beside(contract, 'repairs') -%}
    {%- do model_step('drop table if exists ' ~ found) -%}
    {%- do model_step(_create_repairs(
        found, contract,
        '(select *, _reasons = [] as _is_loaded from ' ~ _apart(contract, 'judged') ~ ')',
        work.queried
    )) -%}
    {%- set columns = [
        'source_table', 'source_key', 'column_name', 'rule', 'before', 'after', 'shown',
    ] -%}
    {%- do load_step(
        'create table ' ~ repairs ~ ' (' ~ columns | join(' text, ') ~ ' text)'
    ) -%}
    {%- do send_rows(repairs, 'select ' ~ columns | join(', ') ~ ' from ' ~ found) -%}
    {%- do load_step(
        'delete from ' ~ repairs ~ ' as repair where (source_table, source_key) not in'
        ~ ' (select _source_table, _source_key from '
        ~ temporary_relation(contract.table ~ '__notable') ~ ' where _is_loaded)'
    ) -%}
    {%- do replace_evidence(
        'repairs', repairs, contract,
        key=['source_table', 'source_key', 'column_name'],
        values=['rule', 'before', 'after', 'shown'],
        scope=scope
    ) -%}
    {%- do load_step('drop table ' ~ repairs) -%}
{%- endmacro %}
