{#
    The materialization of the final tables. Creates the table once, from the
    model's contract, and never drops or replaces it; fills it with the rows that
    the contract admits, and writes down every other row, and every value that
    was repaired, in the same transaction.

    --empty         creates the table and loads nothing
    --full-refresh  is refused

    The query of the model offers the target's columns, those the table fills by
    itself left out, and beside them
    _source_table   text, the legacy table
    _source_key     text, the legacy row's key, see source_key
    _source_row     JSON, the whole legacy row, see source_row
    raw__<column>   the legacy value that became <column>, where it may have been
                    repaired or may not have been convertible
    _unplaced       JSON object of legacy columns that found no place, optional
    _reread         JSON object of legacy columns without a column of their own that
                    were read as another legacy value, optional
#}
{% materialization target_table, default %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- if flags.FULL_REFRESH -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ relation ~ " is a final table: it is never dropped, so "
            ~ "--full-refresh is refused. Say the command without it: the rows that "
            ~ "differ are brought up to date. To start over, use `traspaso rollback "
            ~ (config.get('meta', {}).system or 'SYSTEM') ~ " --to 0`."
        ) }}
    {%- endif -%}
    {%- set contract = target_contract(model) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if load_cached_relation(this) is none -%}
        {%- do contract.update({'partition': wanted_partition(contract)}) -%}
        {%- do load_step(create_target_table(relation, contract, model.description)) -%}
        {%- do apply_grants(relation, config.get('grants'), should_revoke=False) -%}
        {%- do adapter.cache_added(relation) if adapter.cache_added is defined -%}
    {%- else -%}
        {%- do _require_same_shape(relation, contract) -%}
        {%- do contract.update({'partition': partition_of(relation, contract)}) -%}
    {%- endif -%}
    {%- if contract.partition -%}
        {%- do extend_partitions(relation, contract, none if flags.EMPTY else sql) -%}
    {%- endif -%}

    {%- set outcome = namespace(message=none) -%}
    {%- if flags.EMPTY -%}
        {%- set rows = 0 -%}
    {%- elif env_var('TRASPASO_SYNC', '') == 'true' -%}
        {%- set rows = 0 -%}
        {%- set outcome.message = 'SYNC ' ~ sync_target_table(relation, contract, sql) -%}
    {%- else -%}
        {%- set rows = load_target_table(relation, contract, sql) -%}
        {%- if only_rows() -%}
            {%- set outcome.message = 'ROWS' -%}
        {%- endif -%}
    {%- endif -%}
    {%- if outcome.message is none -%}
        {%- do record_step(contract.table, rows) -%}
        {%- set outcome.message = 'LOAD ' ~ rows -%}
    {%- endif -%}
    {%- call noop_statement('main', outcome.message, 'LOAD', rows) -%}{%- endcall -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {%- do validate_foreign_keys(relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% macro _require_same_shape(relation, contract) -%}
    {%- set found = adapter.get_columns_in_relation(relation)
        | map(attribute='name') | map('lower') | list -%}
    {%- set wanted = contract.columns | map(attribute='name') | list -%}
    {%- set missing = wanted | reject('in', found) | list -%}
    {%- set unknown = found | reject('in', wanted) | list -%}
    {%- if missing or unknown -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ relation ~ " is there already, in another shape: "
            ~ ("it lacks " ~ missing | join(', ') ~ "; " if missing)
            ~ ("its contract lacks " ~ unknown | join(', ') ~ "; " if unknown)
            ~ "a final table is never replaced. Rename that table, or alter it to the "
            ~ "contract."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#
    Says in the runner's journal, in this transaction, that the table is done.
    Without a run of the runner there is no journal.
#}
{% macro record_step(table, rows) -%}
    {%- if env_var('TRASPASO_RUN_ID', '') != '' -%}
        {%- do load_step(
            "insert into traspaso.steps (system, phase, step, run_id, status, started_at,"
            ~ " finished_at, rows) values ('" ~ env_var('TRASPASO_SYSTEM') ~ "', " ~ env_var('TRASPASO_PHASE')
            ~ ", '" ~ table ~ "', '" ~ env_var('TRASPASO_RUN_ID') ~ "', 'done', now(),"
            ~ " clock_timestamp(), " ~ rows ~ ") on conflict (system, phase, step) do"
            ~ " update set run_id = excluded.run_id, status = excluded.status,"
            ~ " started_at = excluded.started_at, finished_at = excluded.finished_at,"
            ~ " rows = excluded.rows"
        ) -%}
    {%- endif -%}
{%- endmacro %}
