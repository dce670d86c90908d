{#
    The switch, in one transaction of one session: the writers of the legacy tables wait,
    the last of what they wrote is brought and proved, the tables move away, the compat
    views take their names.

    Everything that needs no lock is done before: the functions and the views of the way
    back are made, and a weak lock keeps the server's own maintenance off the tables, which
    would otherwise make the strong one wait. Where that is not had at once, or where all
    takes longer than the plan allows, nothing has happened.

    system     name of the system
    run_id     run that switches
    archive    schema that the legacy tables move to
    compat     schema of the compat views
    queries    [{name, sql}]: the final tables' compiled models, parents first
    tables     legacy tables
    lock_ms    how long to wait for the lock at once
    limit_ms   how long a writer may have to wait
#}
{% macro switch_over(system, run_id, archive, compat, queries, tables, lock_ms, limit_ms) -%}
    {#- an operation's connection opens no transaction by itself -#}
    {%- do run_query('begin') -%}
    {%- set contracts = [] -%}
    {%- for query in queries -%}
        {%- set node = graph.nodes['model.traspaso.' ~ query.name] -%}
        {%- set contract = target_contract(node) -%}
        {%- for key in contract.foreign_keys -%}
            {%- do key.update({'to': _foreign_relation(key.to)}) -%}
        {%- endfor -%}
        {%- do contracts.append({
            'contract': contract, 'sql': query.sql,
            'relation': node_relation(node).incorporate(type='table'),
            'queried': get_columns_in_query(query.sql),
        }) -%}
    {%- endfor -%}
    {%- set legacy = legacy_relation(system, tables[0]).schema -%}

    {%- do _make_writers(system, contracts, tables, compat) -%}
    {%- set weakly = [] -%}
    {%- set strongly = [] -%}
    {%- for each in contracts -%}
        {%- do weakly.append(each.relation | string) -%}
    {%- endfor -%}
    {%- for table in tables -%}
        {%- do weakly.append(legacy_relation(system, table) | string) -%}
        {%- do strongly.append(legacy_relation(system, table) | string) -%}
    {%- endfor -%}
    {%- do keep_maintenance_off(weakly) -%}

    {#- a few rows of large tables, which writers wait for: by their indexes -#}
    {%- do load_step("set local random_page_cost = 1.1") -%}
    {%- do load_step("set local jit = off") -%}
    {#- what was written up to now, so that little is left to do while writers wait -#}
    {%- do bring_changes(system, contracts) -%}

    {%- set began = load_step("select clock_timestamp()::text").rows[0][0] -%}
    {%- do load_step("set local idle_in_transaction_session_timeout = '" ~ limit_ms ~ "ms'") -%}
    {%- do load_step("set local lock_timeout = '" ~ lock_ms ~ "ms'") -%}
    {%- do load_step("set local statement_timeout = '" ~ 2 * lock_ms ~ "ms'") -%}
    {%- do load_step('lock table ' ~ strongly | join(', ') ~ ' in access exclusive mode') -%}
    {%- do load_step("set local statement_timeout = '" ~ limit_ms ~ "ms'") -%}
    {%- do load_step("set local lock_timeout = '1s'") -%}

    {%- do bring_changes(system, contracts, began, limit_ms) -%}
    {%- do require_time(began, limit_ms) -%}
    {%- set scope = temporary_relation('switched__keys') -%}
    {%- do load_step(
        'create temporary table ' ~ scope ~ ' on commit drop as select distinct source_table,'
        ~ " source_key from traspaso.unproved where system = '" ~ system ~ "'"
    ) -%}
    {%- do load_step('analyze ' ~ scope) -%}
    {%- do load_step("delete from traspaso.unproved where system = '" ~ system ~ "'") -%}
    {%- do prove_keys(system, scope) -%}
    {%- set rows = load_step('select count(*) from ' ~ scope).rows[0][0] -%}
    {%- do require_time(began, limit_ms) -%}

    {%- set defaults = _defaults_of_views(contracts, legacy, compat) -%}
    {%- do load_step('create schema if not exists ' ~ adapter.quote(archive)) -%}
    {%- set statements = load_step(
        english_views(system, legacy, archive, compat, tables, defaults)
    ).rows -%}
    {%- set ddl = statements | map(attribute=0) | list -%}
    {%- for each in contracts -%}
        {%- do ddl.extend(capture_final(each.contract)) -%}
    {%- endfor -%}
    {#- at once: each way to the server costs the writers that wait a millisecond -#}
    {%- do load_step(ddl | join(';\n')) -%}

    {%- do require_time(began, limit_ms) -%}
    {%- do load_step(
        "insert into traspaso.steps (system, phase, step, run_id, status, finished_at, rows, detail)"
        ~ " values ('" ~ system ~ "', 4, 'phase', '" ~ run_id ~ "', 'done', clock_timestamp(), "
        ~ rows ~ ", jsonb_build_object('writers_waited_seconds', round(extract(epoch from"
        ~ " clock_timestamp() - '" ~ began ~ "'::timestamptz)::numeric, 3)))"
        ~ " on conflict (system, phase, step) do update set run_id = excluded.run_id,"
        ~ " status = excluded.status, finished_at = excluded.finished_at, rows = excluded.rows,"
        ~ " detail = excluded.detail"
    ) -%}
    {%- do run_query('commit') -%}
{%- endmacro %}

{#
    Brings what is committed now, as a sync does, and keeps its keys for the proof. What
    one table's change means for another is brought with it.

    began, limit_ms  since when writers wait, and for how long they may: asked before each
                     table; none: nobody waits
#}
{% macro bring_changes(system, contracts, began=none, limit_ms=none) -%}
    {%- set seen = load_step('select pg_current_snapshot()::text').rows[0][0] -%}
    {%- for each in contracts -%}
        {%- set read = each.contract.sources
            + each.contract.follows | selectattr('source', 'defined') | map(attribute='source') | list -%}
        {%- if load_step(
            "select exists (select 1 from traspaso.changes where system = '" ~ system
            ~ "' and source_table in ('" ~ read | join("', '") ~ "'))"
        ).rows[0][0] -%}
            {%- do require_time(began, limit_ms) if began is not none -%}
            {%- do sync_target_table(each.relation, each.contract, each.sql) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do load_step(
        "insert into traspaso.unproved (system, source_table, source_key) select distinct"
        ~ " system, source_table, source_key from traspaso.changes where system = '" ~ system
        ~ "' and (operation = 'p' or pg_visible_in_snapshot(transaction, '" ~ seen ~ "'))"
    ) -%}
    {%- do load_step(
        "delete from traspaso.changes where system = '" ~ system ~ "' and (operation = 'p' or"
        ~ " pg_visible_in_snapshot(transaction, '" ~ seen ~ "'))"
    ) -%}
{%- endmacro %}

{# The functions that carry writes over, and the views of the way back. #}
{% macro _make_writers(system, contracts, tables, compat) -%}
    {%- set columns_of = {} -%}
    {%- for table in tables -%}
        {%- set node = graph.nodes['model.traspaso.' ~ system ~ '__' ~ table] -%}
        {%- set columns = load_step(
            "select attname from pg_attribute where attrelid = '" ~ node_relation(node)
            ~ "'::regclass and attnum > 0 and not attisdropped order by attnum"
        ).rows | map(attribute=0) | list -%}
        {%- do columns_of.update({table: columns}) -%}
        {%- set targets = [] -%}
        {%- for each in contracts if table in each.contract.sources -%}
            {%- do targets.append(each) -%}
            {%- do load_step(mapping_function(
                each.contract, table, each.sql, compat, each.queried
            )) -%}
        {%- endfor -%}
        {%- do load_step(writer_function(system, table, targets, compat, columns, node)) -%}
        {%- do load_step(way_back(node, compat)) -%}
    {%- endfor -%}
    {%- for each in contracts -%}
        {%- do load_step(kept_aside(each.contract, each.queried, compat, columns_of)) -%}
    {%- endfor -%}
{%- endmacro %}

{#
    Where the final column counts up by itself, so does the view's, by the same sequence;
    which goes on from where the legacy's stands. By a function: who was granted the
    legacy's sequence has no right on this one.
#}
{% macro _defaults_of_views(contracts, legacy, compat) -%}
    {%- set defaults = {} -%}
    {%- for each in contracts -%}
        {%- for column in each.contract.columns if column.serial and column.source is string -%}
            {%- set sequence = load_step(
                "select pg_get_serial_sequence('" ~ final_relation(each.contract) ~ "', '"
                ~ column.name ~ "')"
            ).rows[0][0] -%}
            {%- for table in each.contract.sources -%}
                {%- set next = adapter.quote(compat) ~ '.'
                    ~ adapter.quote('siguiente_' ~ table ~ '_' ~ column.source) ~ '()' -%}
                {%- do load_step(
                    'create function ' ~ next ~ ' returns bigint language sql security definer'
                    ~ " return pg_catalog.nextval('" ~ sequence ~ "'::regclass)"
                ) -%}
                {%- do defaults.setdefault(table, {}).update({column.source: next}) -%}
                {%- set before = load_step(
                    "select pg_get_serial_sequence('" ~ adapter.quote(legacy) ~ '.'
                    ~ adapter.quote(table) ~ "', '" ~ column.source ~ "')"
                ).rows[0][0] -%}
                {%- if before -%}
                    {%- do join_sequences(before, sequence) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(defaults) }}
{%- endmacro %}

{# Lets a sequence go on from where another one stands, if that is further. #}
{% macro join_sequences(before, sequence) -%}
    {%- do load_step(
        "select setval('" ~ sequence ~ "', before.last_value, true) from " ~ before
        ~ " as before cross join " ~ sequence ~ " as mine where before.is_called and"
        ~ " (before.last_value > mine.last_value or (before.last_value = mine.last_value and not mine.is_called))"
    ) -%}
{%- endmacro %}

{# Stops where a writer would have to wait for longer than the plan allows. #}
{% macro require_time(began, limit_ms) -%}
    {%- set left = load_step(
        "select " ~ limit_ms ~ " - extract(epoch from clock_timestamp() - '" ~ began
        ~ "'::timestamptz) * 1000"
    ).rows[0][0] | float -%}
    {%- if left < 100 -%}
        {{ exceptions.raise_compiler_error(
            'the switch gave way: a writer would have to wait for longer than ' ~ limit_ms ~ ' ms'
        ) }}
    {%- endif -%}
    {%- do load_step("set local statement_timeout = '" ~ left | int ~ "ms'") -%}
{%- endmacro %}
