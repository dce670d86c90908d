{#
    Brings what was written to the legacy since the last load: re-reads the rows whose
    keys are in `traspaso.changes`, and those that depend on them, through the same
    model, and applies the difference. What follows from it for other tables is written
    to `traspaso.changes` for their own turn.

    relation  the table
    contract  see target_contract
    sql       the model's query

    Returns the rows touched by legacy table, as 'table=inserted,updated,deleted …'.
#}
{% macro sync_target_table(relation, contract, sql) -%}
    {{ return(adapter.dispatch('sync_target_table', 'traspaso')(relation, contract, sql)) }}
{%- endmacro %}

{# A DuckDB file is rebuilt, nobody writes to it meanwhile. #}
{% macro default__sync_target_table(relation, contract, sql) -%}
    {{ exceptions.raise_compiler_error(
        "target_table: changes are brought on PostgreSQL only; build " ~ relation ~ " instead"
    ) }}
{%- endmacro %}

{% macro postgres__sync_target_table(relation, contract, sql) -%}
    {%- do lock_for_load(relation) -%}
    {%- set scope = temporary_relation(contract.table ~ '__scope') -%}
    {%- do create_scope(scope, contract) -%}
    {%- set found = load_step(
        'select count(*), count(*) filter (where source_key is null) from ' ~ scope
    ).rows[0] -%}
    {%- if found[0] == 0 -%}
        {%- do load_step('drop table ' ~ scope) -%}
        {{ return('') }}
    {%- endif -%}
    {%- if found[1] > 0 or load_step(
        'select not exists (select 1 from ' ~ relation ~ ')'
    ).rows[0][0] -%}
        {#- a whole table was written, or there is nothing to compare with -#}
        {%- set rows = load_target_table(relation, contract, sql) -%}
        {%- do pass_all_on(contract) -%}
        {%- do load_step('drop table ' ~ scope) -%}
        {{ return(contract.sources[0] ~ '=0,' ~ rows ~ ',0') }}
    {%- endif -%}

    {%- set queried = get_columns_in_query(sql) -%}
    {%- set columns = contract.columns | map(attribute='name')
        | select('in', queried) | list -%}
    {%- set rules = refusal_rules(contract, queried) -%}
    {%- set loaded = temporary_relation(contract.table ~ '__loaded') -%}
    {%- do load_step(
        'create temporary table ' ~ loaded ~ ' as select ' ~ columns | join(', ')
        ~ ' from ' ~ relation ~ ' limit 0'
    ) -%}

    {#- rows outside may share a unique key with those that come: then they are judged anew too -#}
    {%- set read = namespace(query=none, offered=none, grown=1) -%}
    {%- for _ in range(1000) if read.grown > 0 -%}
        {%- set read.query = scoped_query(scope, contract, sql) -%}
        {%- set read.offered = candidates(contract, read.query) -%}
        {%- do load_step('truncate ' ~ loaded) -%}
        {%- do load_step(
            'insert into ' ~ loaded ~ ' (' ~ columns | join(', ') ~ ') select '
            ~ columns | join(', ') ~ ' from ' ~ read.offered ~ ' as candidate where '
            ~ is_valid(rules)
        ) -%}
        {%- do load_step('analyze ' ~ loaded) -%}
        {%- set read.grown = widen_scope(scope, relation, contract, loaded, columns) -%}
    {%- endfor -%}

    {%- do load_step('drop table if exists '
        ~ temporary_relation(contract.table ~ '__contenders')) -%}
    {%- set contenders = resolve_collisions(
        loaded, contract, read.offered, rules, columns
    ) -%}
    {%- set within = '(select final.* from ' ~ relation ~ ' as final where '
        ~ is_in_scope(scope, contract, 'final') ~ ')' -%}
    {%- set touched = _count_by_source(scope, within, loaded, contract, columns) -%}
    {%- do pass_on(scope, relation, contract, within, loaded) -%}
    {%- do apply_delta(relation, loaded, contract, columns, within) -%}
    {%- do advance_sequences(relation, contract) -%}

    {%- set notable = temporary_relation(contract.table ~ '__notable') -%}
    {%- do create_notable(
        notable, contract, read.query, read.offered, rules, queried, contenders
    ) -%}
    {%- do record_fates(relation, contract, notable, columns, scope) -%}
    {%- do record_repairs(contract, notable, queried, scope) -%}
    {%- for used in [notable, loaded, scope] + ([contenders] if contenders is not none else []) -%}
        {%- do load_step('drop table ' ~ used) -%}
    {%- endfor -%}
    {{ return(touched) }}
{%- endmacro %}

{# What apply_delta is about to do, by the legacy table whose change led to it. #}
{% macro _count_by_source(scope, within, loaded, contract, columns) -%}
    {%- set rest = columns | reject('in', contract.load_key) | list -%}
    {%- set found = load_step(
        'select coalesce(cause.source_table, ' ~ "'" ~ contract.sources[0] ~ "'" ~ '),'
        ~ ' count(*) filter (where now._key is null),'
        ~ ' count(*) filter (where now._key is not null and later._key is not null),'
        ~ ' count(*) filter (where later._key is null)'
        ~ ' from ' ~ keyed(within, contract, columns) ~ ' as now'
        ~ ' full join ' ~ keyed(loaded, contract, columns) ~ ' as later on later._key = now._key'
        ~ ' left join (select scope.target_key, coalesce(min(change.source_table),'
        ~ ' min(scope.source_table)) as source_table from ' ~ scope ~ ' as scope left join '
        ~ evidence_relation('changes') ~ " as change on change.system = '" ~ contract.system
        ~ "' and change.source_table = scope.source_table"
        ~ ' and change.source_key = scope.source_key group by scope.target_key) as cause'
        ~ ' on cause.target_key = ' ~ without_ordinal('coalesce(now._key, later._key)')
        ~ ' where now._key is null or later._key is null or ' ~ _any_differs(rest)
        ~ ' group by 1 order by 1'
    ) -%}
    {%- set parts = [] -%}
    {%- for row in found.rows -%}
        {%- do parts.append(row[0] ~ '=' ~ row[1] ~ ',' ~ row[2] ~ ',' ~ row[3]) -%}
    {%- endfor -%}
    {{ return(parts | join(' ')) }}
{%- endmacro %}
