{#
    Brings the rows of an empty table in ranges of the legacy's row numbers, each in a
    transaction that also writes it down in traspaso.ranges: a load that is killed goes
    on with the ranges that are missing. As long as the file is the same one: what came
    from another is taken out first, and where nobody says which file it is
    (TRASPASO_LEGACY_FINGERPRINT), all of it is.

    A table of TRASPASO_BATCH_ROWS rows or fewer is one range.

    work   see attached__load_target_table
    state  see _load_state
#}
{% macro load_ranges(work, state) -%}
    {%- set table = _server_name(work.relation) -%}
    {%- set fingerprint = env_var('TRASPASO_LEGACY_FINGERPRINT', '') -%}
    {%- set batch = _batch_rows() -%}
    {%- set loaded = [] -%}
    {%- if not state.is_begun -%}
        {%- do _begin_load(work, table, fingerprint, batch) -%}
    {%- elif not fingerprint or state.fingerprint != fingerprint or state.batch_rows != batch -%}
        {%- do load_step('truncate table ' ~ work.relation) -%}
        {%- do load_steps([
            _write_keys_off(table, take_keys_off(work.relation)),
            "delete from traspaso.ranges where table_name = '" ~ table ~ "'",
            "update traspaso.loads set fingerprint = '" ~ fingerprint ~ "', batch_rows = "
            ~ batch ~ " where table_name = '" ~ table ~ "'",
        ]) -%}
    {%- else -%}
        {%- set loaded = load_step(
            "select first_row from traspaso.ranges where table_name = '" ~ table ~ "'"
        ).rows | map(attribute=0) | map('int') | list -%}
    {%- endif -%}
    {%- do adapter.commit() -%}

    {%- set last = model_step(
        'select coalesce(max(rowid) + 1, 0) from ' ~ _only_source(work.contract), fetch=true
    ).rows[0][0] | int -%}
    {%- set reached = namespace(rows=loaded | length * batch) -%}
    {%- do _tell_range(work, reached.rows, last) -%}
    {%- for first in range(0, last, batch) if first not in loaded -%}
        {%- set stream = _stream(
            work, work.relation,
            work.sql if last <= batch else ranged_query(work, first, first + batch)
        ) -%}
        {%- do load_step(
            "insert into traspaso.ranges values ('" ~ table ~ "', " ~ first ~ ", "
            ~ stream.loaded ~ ", " ~ stream.kept_back ~ ")"
        ) -%}
        {%- do adapter.commit() -%}
        {%- set reached.rows = reached.rows + batch -%}
        {%- do _tell_range(work, reached.rows, last) -%}
    {%- endfor -%}
{%- endmacro %}

{# For the runner, which listens. #}
{% macro _tell_range(work, rows, last) -%}
    {%- do log(
        'traspaso range ' ~ work.contract.table ~ ' ' ~ [rows, last] | min ~ ' ' ~ last
    ) -%}
{%- endmacro %}

{# Takes the keys off, for good: the load may take longer than this process lives. #}
{% macro _begin_load(work, table, fingerprint, batch) -%}
    {%- do lock_strongly([work.relation]) -%}
    {%- set taken = take_keys_off(work.relation) -%}
    {%- do load_steps([
        "insert into traspaso.loads values ('" ~ table ~ "', '" ~ fingerprint ~ "', "
        ~ batch ~ ")",
        _write_keys_off(table, taken),
        "delete from traspaso.row_groups where system = '" ~ work.contract.system
        ~ "' and source_table = '" ~ work.contract.sources[0] ~ "'",
    ]) -%}
    {%- do restart_sequences(work.relation, work.contract) -%}
{%- endmacro %}

{# A statement that writes down what take_keys_off returned, after what is written down. #}
{% macro _write_keys_off(table, taken) -%}
    {%- set keys = [] -%}
    {%- for statement in taken.unique + taken.rest -%}
        {%- do keys.append(
            '(' ~ loop.index ~ ', ' ~ (statement in taken.unique) | lower ~ ', '
            ~ _literal(statement) ~ ')'
        ) -%}
    {%- endfor -%}
    {{ return(
        "insert into traspaso.keys_off select '" ~ table ~ "', coalesce((select"
        ~ " max(position) from traspaso.keys_off where table_name = '" ~ table
        ~ "'), 0) + taken.position, taken.is_unique, taken.statement from (values "
        ~ keys | join(', ') ~ ') as taken (position, is_unique, statement)' if keys else ''
    ) }}
{%- endmacro %}

{# Whole row groups of DuckDB's: it reads nothing else then. #}
{% macro _batch_rows() -%}
    {%- set rows = env_var('TRASPASO_BATCH_ROWS', '2000000') | int -%}
    {%- set group = 122880 -%}
    {{ return([rows // group * group, 1] | max if rows >= group else [rows, 1] | max) }}
{%- endmacro %}

{# The model's query on the legacy rows of a range only: from `first`, before `last`. #}
{% macro ranged_query(work, first, last) -%}
    {{ return(_query_of(
        work, legacy_stretches(_only_source(work.contract), [[first, last]])
    )) }}
{%- endmacro %}

{# The relation of the legacy table. #}
{% macro _only_source(contract) -%}
    {%- if contract.sources | length != 1 -%}
        {{ exceptions.raise_compiler_error(
            contract.table ~ " has several legacy tables; on this output a table has one. "
            ~ "Land the legacy in PostgreSQL instead."
        ) }}
    {%- endif -%}
    {{ return(legacy_relation(contract.system, contract.sources[0])) }}
{%- endmacro %}

{#
    The model's query with other rows in the place of the legacy table's. The staging
    view's text is put in the view's place.

    replaced  [[text, replacement]] within the staging view, optional
#}
{% macro _query_of(work, rows, replaced=[]) -%}
    {%- set contract = work.contract -%}
    {%- set staging = graph.nodes[
        'model.traspaso.stg_' ~ contract.system ~ '__' ~ contract.sources[0]
    ] -%}
    {%- set text = namespace(
        sql=render(staging.raw_code) | replace(_only_source(contract) | string, rows | string)
    ) -%}
    {%- for pair in replaced -%}
        {%- set text.sql = text.sql | replace(pair[0], pair[1]) -%}
    {%- endfor -%}
    {{ return(work.sql | replace(node_relation(staging) | string, '(' ~ text.sql ~ ')')) }}
{%- endmacro %}
