{#
    Judges the rows of a few legacy keys by all the rules of the contract, as a load on
    one engine does with every row: they leave the table, and those that no rule refuses
    and that lose no unique key to another come back. In PostgreSQL, where the parents
    and the other rows are.

    work      see attached__load_target_table
    table     where the rows are, the final table or one beside it
    The keys are in the temporary table of DuckDB that _collect_keys makes.

    Returns whether there are any; then PostgreSQL has them in the temporary table
    `…__notable`, for record_fates.
#}
{% macro judge_apart(work, table) -%}
    {%- set contract = work.contract -%}
    {%- set keys = _apart(contract, 'keys') -%}
    {%- if model_step('select count(*) from ' ~ keys, fetch=true).rows[0][0] == 0 -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set judged = _beside(contract, 'judged') -%}
    {%- do model_step('create or replace temporary table ' ~ _apart(contract, 'judged')
        ~ ' as select *, ' ~ refusal_reasons(work.rules) ~ ' as _reasons from ('
        ~ judged_query(work) ~ ') as candidate') -%}
    {%- do load_step(_create_judged(judged, contract, work.columns)) -%}
    {%- do send_rows(
        judged,
        'select _source_table, _source_key, _source_row::text, _reasons, '
        ~ _storable(contract, work.columns) | join(', ') ~ ' from '
        ~ _apart(contract, 'judged')
    ) -%}

    {#- what a foreign key refuses too -#}
    {%- set candidates = temporary_relation(contract.table ~ '__candidates') -%}
    {%- do load_step('drop table if exists ' ~ candidates) -%}
    {%- do load_step(
        'create temporary table ' ~ candidates ~ ' as select _source_table, _source_key,'
        ~ ' _source_row::jsonb as _source_row, ' ~ work.columns | join(', ')
        ~ ', _reasons || ' ~ postgres__refusal_reasons(parent_rules(contract))
        ~ ' as _reasons from ' ~ candidates_sql(contract, judged) ~ ' as candidate'
    ) -%}
    {%- do load_step('drop table ' ~ judged) -%}

    {%- set contenders = _settle_collisions(work, table, candidates) -%}
    {%- set notable = temporary_relation(contract.table ~ '__notable') -%}
    {%- do load_step('drop table if exists ' ~ notable) -%}
    {%- do load_step(
        'create temporary table ' ~ notable ~ ' as select candidate.*,'
        ~ ' _reasons = array[]::text[] as _admitted, _reasons = array[]::text[]'
        ~ ' and not ' ~ _has_lost(contenders) ~ ' as _is_loaded from '
        ~ candidates ~ ' as candidate'
    ) -%}
    {%- do load_step('drop table ' ~ candidates) -%}
    {%- do load_step('drop table ' ~ contenders) -%}
    {{ return(true) }}
{%- endmacro %}

{# candidates(), of a table. #}
{% macro candidates_sql(contract, relation) -%}
    {{ candidates(contract, 'select * from ' ~ relation) }}
{%- endmacro %}

{# As resolve_collisions, of rows that are known. Returns the table of the contenders. #}
{% macro _settle_collisions(work, table, candidates) -%}
    {%- set contract = work.contract -%}
    {%- set keys = loaded_keys(contract, work.columns) -%}
    {%- set contenders = temporary_relation(contract.table ~ '__contenders') -%}
    {%- set identity = contract.primary_key.columns | join(', ') -%}
    {%- do load_step('drop table if exists ' ~ contenders) -%}
    {%- do load_step(
        'create temporary table ' ~ contenders ~ ' as select ' ~ work.columns | join(', ')
        ~ ', _source_table, _source_key, row_number() over (order by '
        ~ (contract.keep_first + ['_source_table', '_source_key']) | join(', ')
        ~ ") as position, 'open' as state from " ~ candidates
        ~ ' as candidate where _reasons = array[]::text[]'
    ) -%}
    {%- do load_step(
        'delete from ' ~ table ~ ' where (' ~ identity ~ ') in (select ' ~ identity
        ~ ' from ' ~ candidates ~ ')'
    ) -%}
    {%- set left = namespace(rows=1) -%}
    {%- for _ in range(100000) if left.rows > 0 -%}
        {%- do load_step(_keep_first(contenders, keys)) -%}
        {%- do load_step(_drop_beaten(contenders, keys)) -%}
        {%- set left.rows = load_step(
            "select count(*) from " ~ contenders ~ " where state = 'open'"
        ).rows[0][0] | int -%}
    {%- endfor -%}
    {%- do load_step(
        'insert into ' ~ table ~ ' (' ~ work.columns | join(', ') ~ ') select '
        ~ work.columns | join(', ') ~ ' from ' ~ contenders ~ " where state = 'kept'"
    ) -%}
    {{ return(contenders) }}
{%- endmacro %}

{#
    Text is not cut to its length here: it is to meet no row that it only resembles, and
    its parent is looked for as it is.
#}
{% macro _create_judged(judged, contract, columns) -%}
create table {{ judged }} (
    _source_table text,
    _source_key text,
    _source_row text,
    _reasons text[]
    {%- for column in contract.columns if column.name in columns %},
    {{ column.name }} {{ 'text' if column.length is not none else column.type }}
    {%- endfor %}
)
{%- endmacro %}

{# The columns without what PostgreSQL could not hold, which has been refused. #}
{% macro _storable(contract, columns) -%}
    {%- set values = [] -%}
    {%- for column in contract.columns if column.name in columns -%}
        {%- if column.type == 'text' or column.length is not none -%}
            {%- do values.append(storable_text(column.name)) -%}
        {%- elif column.precision is not none or unstorable(column) -%}
            {%- set refused = [] -%}
            {%- for rule in row_rules({'requires': [], 'columns': [
                dict(column, not_null=false, checks=[])
            ]}, [column.name]) -%}
                {%- do refused.append('(' ~ rule.violated ~ ')') -%}
            {%- endfor -%}
            {%- do values.append(
                'case when ' ~ refused | join(' or ') ~ ' then null else ' ~ column.name ~ ' end'
            ) -%}
        {%- else -%}
            {%- do values.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

{# A temporary table of DuckDB's. #}
{% macro _apart(contract, name) -%}
    {{ return(api.Relation.create(
        database='temp', schema='main', identifier=contract.table ~ '__' ~ name
    )) }}
{%- endmacro %}
