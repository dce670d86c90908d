{#
    load_target_table where DuckDB reads the legacy and PostgreSQL holds the table.

    Hardly a row of a legacy is refused, so no key is looked up while rows stream: what
    a row alone can be refused for is judged in DuckDB; that keys are unique and parents
    there is what PostgreSQL finds when it builds keys and validates foreign keys, which
    it has to do anyway. The few rows that it stumbles on, and those that DuckDB kept
    back, are judged apart, see judge_apart, by the same rules as on any other output.

    An empty table is loaded in four steps, of which each can be killed:
    1  its foreign keys, and those that refer to it, are taken off and written down in
       traspaso.foreign_keys, its own keys and indexes in traspaso.keys_off
    2  the rows, see load_ranges: a transaction for each range of them
    3  one transaction: keys, indexes, fates, repairs
    4  the foreign keys come back, and rows without a parent go to the fates; the
       journal says in that transaction that the table is done

    TRASPASO_LOAD=rows ends after the second step: the runner lets the rows of all
    tables come first, and makes their keys by the same command without it. Some it has
    built itself by then, and crossed out in traspaso.keys_off (runner/early_keys.py).
#}
{% macro attached__load_target_table(relation, contract, sql) -%}
    {%- set fitted = _fitted_contract(contract, sql) -%}
    {%- set contract = fitted.contract -%}
    {%- set queried = fitted.queried -%}
    {%- do _require_columns(relation, contract, queried) -%}
    {%- set columns = contract.columns | map(attribute='name')
        | select('in', queried) | list -%}
    {%- set work = {
        'relation': relation, 'contract': contract, 'sql': sql, 'queried': queried,
        'columns': columns, 'rules': _breakable_rules(contract, queried, sql),
    } -%}
    {%- set state = _load_state(relation) -%}
    {%- if state.is_begun or not state.is_filled -%}
        {%- do take_foreign_keys_off(relation) if not state.is_begun -%}
        {%- do load_ranges(work, state) -%}
        {%- if only_rows() -%}
            {{ return(0) }}
        {%- endif -%}
        {%- do _await_early_keys(work) -%}
        {%- set rows = _make_keys(work) -%}
    {%- elif only_rows() -%}
        {{ return(0) }}
    {%- elif not state.is_unfinished -%}
        {{ return(_load_delta(work)) }}
    {%- else -%}
        {%- set rows = load_step('select count(*) from ' ~ relation).rows[0][0] | int -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {%- do put_foreign_keys_back(relation) -%}
    {{ return(rows - _settle_foreign_keys(work)) }}
{%- endmacro %}

{# Whether this command brings rows and leaves the keys to another one. #}
{% macro only_rows() -%}
    {{ return(is_attached() and env_var('TRASPASO_LOAD', '') == 'rows') }}
{%- endmacro %}

{#
    The contract without the rules that the types of the query cannot break: a
    decimal(12,4) needs no look to fit into a numeric(12,4).
#}
{% macro _fitted_contract(contract, sql) -%}
    {%- set described = model_step(
        'select column_name, column_type from (describe ' ~ sql ~ ')', fetch=true
    ) -%}
    {%- set types = dict(described.rows.values() | map('list')) -%}
    {%- set columns = [] -%}
    {%- for column in contract.columns -%}
        {%- set size = modules.re.search(
            '^DECIMAL\\((\\d+),(\\d+)\\)$', types.get(column.name) or ''
        ) -%}
        {%- if column.precision is not none and size
            and size.group(2) | int <= column.scale
            and (size.group(1) | int) - (size.group(2) | int) <= column.precision - column.scale -%}
            {%- do columns.append(dict(column, precision=none, scale=none)) -%}
        {%- else -%}
            {%- do columns.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({
        'contract': dict(contract, columns=columns), 'queried': types.keys() | list
    }) }}
{%- endmacro %}

{#
    The rules of a row without those that the file's statistics say none breaks: what
    DuckDB knows to be the longest text of a column is as long as that or longer.
#}
{% macro _breakable_rules(contract, queried, sql) -%}
    {%- set rules = row_rules(contract, queried) -%}
    {%- set columns = contract.columns | selectattr('length')
        | selectattr('name', 'in', queried) | list -%}
    {%- if columns == [] -%}
        {{ return(rules) }}
    {%- endif -%}
    {%- set asked = [] -%}
    {%- for column in columns -%}
        {%- do asked.append('stats(' ~ column.name ~ ') as ' ~ column.name) -%}
    {%- endfor -%}
    {%- set found = model_step(
        'select ' ~ asked | join(', ') ~ ' from (' ~ sql ~ ') limit 1', fetch=true
    ) -%}
    {%- set fitting = [] -%}
    {%- for row in found.rows -%}
        {%- for column in columns -%}
            {%- set longest = modules.re.search(
                'Max String Length: (\\d+)', row.get(column.name) or ''
            ) -%}
            {%- if longest and longest.group(1) | int <= column.length -%}
                {%- do fitting.append(column.name ~ ':length') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(rules | rejectattr('reason', 'in', fitting) | list) }}
{%- endmacro %}

{#
    How far the table's load is: whether it has rows; whether a load of it was begun and
    its keys are not back, of which file and in ranges of how many rows; whether foreign keys are
    not back, or not validated.
#}
{% macro _load_state(relation) -%}
    {%- set table = _server_name(relation) -%}
    {%- set found = load_step(
        "select exists (select 1 from " ~ relation ~ ") as is_filled,"
        ~ " begun.table_name is not null as is_begun, begun.fingerprint, begun.batch_rows,"
        ~ " exists (select 1 from traspaso.foreign_keys where child = '"
        ~ table ~ "') or exists (select 1 from pg_constraint"
        ~ " where contype = 'f' and not convalidated and conrelid = '"
        ~ relation ~ "'::regclass) as is_unfinished from (select) as one"
        ~ " left join traspaso.loads as begun on begun.table_name = '" ~ table ~ "'"
    ) -%}
    {%- do adapter.commit() -%}
    {{ return(dict(found.rows[0].items())) }}
{%- endmacro %}

{#
    Waits until no session of the runner's builds a key of the table beside this load
    (runner/early_keys.py), however long that takes. In a session of its own: this one's
    snapshot is to be taken afterwards.
#}
{% macro _await_early_keys(work) -%}
    {%- do adapter.commit() -%}
    {%- do run_query(on_server(alone=true, sql="
do $wait$
begin
    perform set_config('lock_timeout', '0', true);
    perform pg_advisory_xact_lock(hashtextextended('traspaso key of "
        ~ _server_name(work.relation) ~ "', 0));
end
$wait$
    ")) -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{# The keys of a table whose rows are there. Returns how many rows it then has. #}
{% macro _make_keys(work) -%}
    {%- do lock_strongly([work.relation]) -%}
    {%- set loaded = load_step(
        "select coalesce(sum(loaded), 0)::bigint as loaded,"
        ~ " coalesce(sum(kept_back), 0)::bigint as kept_back from traspaso.ranges where table_name = '" ~ _server_name(work.relation) ~ "'"
    ).rows[0] -%}
    {%- set keys = load_step(
        "select is_unique, statement from traspaso.keys_off where table_name = '"
        ~ _server_name(work.relation) ~ "' order by position"
    ).rows -%}
    {%- set unique = keys | selectattr(0) | map(attribute=1) | list -%}
    {%- set colliding = unless_violated(unique, 'unique_violation') -%}
    {%- set is_colliding = colliding != []
        or repeats_across_partitions(work.relation, work.contract, work.columns) -%}
    {%- set judged = _collect_keys(work, work.relation, loaded[1] > 0, is_colliding)
        and judge_apart(work, work.relation) -%}
    {%- set rest = keys | rejectattr(0) | map(attribute=1) | list -%}
    {%- do load_steps(colliding + rest + ['analyze ' ~ work.relation]) -%}
    {%- set rows = load_step('select count(*) from ' ~ work.relation).rows[0][0] | int -%}
    {%- if not judged and rows != loaded[0] -%}
        {{ exceptions.raise_compiler_error(
            'load_target_table: DuckDB has sent ' ~ loaded[0] ~ ' rows of '
            ~ work.relation ~ ', PostgreSQL has ' ~ rows ~ ', and something else writes '
            ~ 'to it. Empty it, traspaso rollback ' ~ work.contract.system
            ~ ' --to 1, and load again.'
        ) }}
    {%- endif -%}
    {%- do advance_sequences(work.relation, work.contract) -%}
    {%- do record_judged(work, judged) -%}
    {%- do load_step(
        "delete from traspaso.loads where table_name = '" ~ _server_name(work.relation) ~ "'"
    ) -%}
    {{ return(rows) }}
{%- endmacro %}

{% macro _load_delta(work) -%}
    {%- set found = load_changed(work) -%}
    {%- if found is none -%}
        {{ return(_load_whole(work)) }}
    {%- elif found.is_all -%}
        {{ return(found['rows']) }}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return(found['rows'] + _load_whole(work)) }}
{%- endmacro %}

{#
    Into a table beside it first, where every row has been judged before the rows that
    differ are brought.
#}
{% macro _load_whole(work) -%}
    {%- set loaded = _stream_beside(work, 'loaded', work.sql) -%}
    {%- set judged = judge_apart(work, loaded) -%}
    {%- do load_step('analyze ' ~ loaded) -%}
    {{ return(_apply_beside(work, loaded, judged)) }}
{%- endmacro %}

{#
    Streams rows into a table beside the final one, and collects the keys of those that
    are to be judged apart. Returns the table.

    name  of the table
    sql   the model's query, or a part of its rows
#}
{% macro _stream_beside(work, name, sql) -%}
    {%- set contract = work.contract -%}
    {%- set loaded = _beside(contract, name) -%}
    {%- do load_step(
        'create table ' ~ loaded ~ ' (like ' ~ work.relation ~ ' including defaults)'
    ) -%}
    {%- set part = dict(work, sql=sql) -%}
    {%- set stream = _stream(part, loaded, sql) -%}
    {%- set repeated = [] -%}
    {%- for key in loaded_keys(contract, work.columns) if load_step(
        _repeated_keys(loaded, key) ~ ' limit 1'
    ).rows | length > 0 -%}
        {%- do repeated.append(key) -%}
    {%- endfor -%}
    {%- do _collect_keys(part, loaded, stream.kept_back > 0, repeated != [], always=true) -%}
    {%- do _collect_orphans(work, loaded) -%}
    {{ return(loaded) }}
{%- endmacro %}

{#
    Brings the table to what the one beside it holds, where every row has been judged,
    and the evidence with it; drops that one. Returns the number of rows touched.

    judged  what judge_apart returned
    within  see apply_delta
#}
{% macro _apply_beside(work, loaded, judged, within=none) -%}
    {%- set rows = apply_delta(
        work.relation, loaded, work.contract, work.columns, within=within
    ) -%}
    {%- do advance_sequences(work.relation, work.contract) -%}
    {%- do record_judged(work, judged) -%}
    {%- do load_step('drop table ' ~ loaded) -%}
    {{ return(rows) }}
{%- endmacro %}

{#
    Streams the rows that no rule keeps back into the table, by binary COPY. Returns how
    many were loaded, and how many kept back.

    sql  the model's query, or a part of its rows
#}
{% macro _stream(work, into, sql) -%}
    {%- set offered = model_step(
        'select count(*) from (' ~ sql ~ ') as offered', fetch=true
    ).rows[0][0] | int -%}
    {%- set loaded = model_step(
        'insert into ' ~ into ~ ' (' ~ work.columns | join(', ') ~ ') select '
        ~ work.columns | join(', ') ~ ' from (' ~ sql ~ ') as candidate where '
        ~ is_valid(work.rules),
        fetch=true
    ).rows[0][0] | int -%}
    {{ return({'loaded': loaded, 'kept_back': offered - loaded}) }}
{%- endmacro %}

{#
    Runs statements that make or validate keys, each unless rows violate it: an error would
    end the transaction and all that is loaded. Returns those that were violated.

    violation  the condition's name, as PL/pgSQL has it
#}
{% macro unless_violated(statements, violation) -%}
    {%- if not statements -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set guarded = [] -%}
    {%- for statement in statements -%}
        {%- do guarded.append(
            'begin ' ~ statement ~ '; exception when ' ~ violation
            ~ " then violated := violated || ' #" ~ loop.index0 ~ "'; end;"
        ) -%}
    {%- endfor -%}
    {%- do load_step("
do $guarded$
declare
    violated text := '-';
begin
    " ~ guarded | join('\n    ') ~ "
    perform set_config('traspaso.violated', violated, true);
end
$guarded$
    ") -%}
    {#- never a text that reads as a number, or as none: dbt would make it one -#}
    {%- set violated = load_step(
        "select current_setting('traspaso.violated')"
    ).rows[0][0].split(' #')[1:] -%}
    {%- set found = [] -%}
    {%- for number in violated -%}
        {%- do found.append(statements[number | int]) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# A table of this load's transaction only, in PostgreSQL: DuckDB sees no temporary one. #}
{% macro _beside(contract, name) -%}
    {{ return(api.Relation.create(
        database=target.database, schema='traspaso',
        identifier=contract.system ~ '__' ~ contract.table ~ '__' ~ name
    )) }}
{%- endmacro %}

{# How the server writes its name. #}
{% macro _server_name(relation) -%}
    {{- relation.schema }}.{{ relation.identifier -}}
{%- endmacro %}
