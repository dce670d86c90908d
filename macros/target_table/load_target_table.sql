{#
    Brings a final table to what its model says, and the evidence with it.

    relation  the table
    contract  see target_contract
    sql       the model's query

    Returns the number of rows inserted, updated and deleted.
#}
{% macro load_target_table(relation, contract, sql) -%}
    {%- do lock_for_load(relation) -%}
    {%- set queried = get_columns_in_query(sql) -%}
    {%- do _require_columns(relation, contract, queried) -%}
    {%- set columns = contract.columns | map(attribute='name')
        | select('in', queried) | list -%}
    {%- set rules = refusal_rules(contract, queried) -%}
    {%- set offered = candidates(contract, sql) -%}
    {%- set bare = load_bare(relation, offered, rules) -%}

    {%- if bare -%}
        {%- set loaded = relation -%}
        {%- set keys = take_keys_off(relation) -%}
    {%- else -%}
        {%- set loaded = temporary_relation(contract.table ~ '__loaded') -%}
        {%- do load_step('drop table if exists ' ~ loaded) -%}
        {%- do load_step(
            'create temporary table ' ~ loaded ~ ' as select ' ~ columns | join(', ')
            ~ ' from ' ~ relation ~ ' limit 0'
        ) -%}
    {%- endif -%}

    {%- set rows = namespace(changed=0) -%}
    {%- do load_step(
        'insert into ' ~ loaded ~ ' (' ~ columns | join(', ') ~ ') select '
        ~ columns | join(', ') ~ ' from ' ~ offered ~ ' as candidate where '
        ~ is_valid(rules)
    ) -%}
    {%- do load_step('drop table if exists '
        ~ temporary_relation(contract.table ~ '__contenders')) -%}
    {%- set contenders = resolve_collisions(
        loaded, contract, offered, rules, columns
    ) -%}

    {%- if bare -%}
        {%- do put_keys_back(relation, keys) -%}
        {%- set rows.changed = load_step(
            'select count(*) from ' ~ relation
        ).rows[0][0] | int -%}
    {%- else -%}
        {%- set rows.changed = apply_delta(relation, loaded, contract, columns) -%}
        {%- do load_step('drop table ' ~ loaded) -%}
    {%- endif -%}
    {%- do advance_sequences(relation, contract) -%}

    {%- set notable = temporary_relation(contract.table ~ '__notable') -%}
    {%- do create_notable(
        notable, contract, sql, offered, rules, queried, contenders
    ) -%}
    {%- do record_fates(relation, contract, notable, columns) -%}
    {%- do record_repairs(contract, notable, queried) -%}
    {%- do load_step('drop table ' ~ notable) -%}
    {%- if contenders is not none -%}
        {%- do load_step('drop table ' ~ contenders) -%}
    {%- endif -%}
    {{ return(rows.changed) }}
{%- endmacro %}

{% macro _require_columns(relation, contract, queried) -%}
    {%- set missing = ['_source_table', '_source_key', '_source_row']
        | reject('in', queried) | list -%}
    {%- for column in contract.columns if column.name not in queried -%}
        {%- if column.not_null and not column.default and not column.serial -%}
            {%- do missing.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set known = contract.columns | map(attribute='name') | list -%}
    {%- set unknown = [] -%}
    {%- for name in queried -%}
        {%- if name not in known and not name.startswith('_')
            and not (name.startswith('raw__') and name[5:] in known) -%}
            {%- do unknown.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing or unknown -%}
        {{ exceptions.raise_compiler_error(
            "target_table: the query of " ~ relation.identifier ~ " does not fit its "
            ~ "contract: " ~ ("it lacks " ~ missing | join(', ') ~ "; " if missing)
            ~ ("the contract lacks " ~ unknown | join(', ') ~ "; " if unknown)
            ~ "select the first, and put the second in the model's .yml."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#
    Whether the table can be loaded without its keys, and get them afterwards:
    it is empty, and something is to come.
#}
{% macro load_bare(relation, candidates, rules) -%}
    {{ return(adapter.dispatch('load_bare', 'traspaso')(relation, candidates, rules)) }}
{%- endmacro %}

{# DuckDB takes no key off a table that is there. #}
{% macro default__load_bare(relation, candidates, rules) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro postgres__load_bare(relation, candidates, rules) -%}
    {%- set found = load_step(
        'select not exists (select 1 from ' ~ relation ~ ') and exists (select 1 from '
        ~ candidates ~ ' as candidate where ' ~ is_valid(rules) ~ ')'
    ) -%}
    {{ return(found.rows[0][0]) }}
{%- endmacro %}

{#
    Locks what an empty table's load will alter: the table, the parents of its foreign
    keys, the tables whose foreign keys refer to it. Before anything is read, and in
    one order: two loads that had read a common parent could not both get its lock.
    A filled table is not altered, and locks nothing.
#}
{% macro lock_for_load(relation) -%}
    {{ return(adapter.dispatch('lock_for_load', 'traspaso')(relation)) }}
{%- endmacro %}

{% macro default__lock_for_load(relation) -%}{%- endmacro %}

{% macro postgres__lock_for_load(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {%- if load_step('select exists (select 1 from ' ~ relation ~ ')').rows[0][0] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set tables = load_step(
        "select conrelid::regclass::text from pg_constraint where contype = 'f'"
        ~ " and confrelid = " ~ table
        ~ " union select confrelid::regclass::text from pg_constraint"
        ~ " where contype = 'f' and conrelid = " ~ table
        ~ " union select " ~ table ~ "::text order by 1"
    ) -%}
    {%- do load_step(
        'lock table ' ~ tables.columns[0].values() | join(', ')
        ~ ' in access exclusive mode'
    ) -%}
{%- endmacro %}

{#
    Takes the keys and indexes off an empty table, the foreign keys of others that
    refer to it included, and returns the statements that put the same ones back.
#}
{% macro take_keys_off(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {%- set constraints = load_step(
        "select conrelid::regclass::text, quote_ident(conname),"
        ~ " pg_get_constraintdef(oid), contype = 'f' as is_foreign from pg_constraint"
        ~ " where contype in ('p', 'u', 'f', 'x')"
        ~ " and (conrelid = " ~ table ~ " or confrelid = " ~ table ~ ")"
        ~ " order by is_foreign, oid"
    ) -%}
    {%- set indexes = load_step(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
        ~ " where indrelid = " ~ table ~ " and not exists (select from pg_constraint"
        ~ " where conindid = indexrelid and conrelid = indrelid) order by indexrelid"
    ) -%}
    {%- set restore = [] -%}
    {%- for row in constraints.rows | reverse -%}
        {%- do load_step('alter table ' ~ row[0] ~ ' drop constraint ' ~ row[1]) -%}
    {%- endfor -%}
    {%- for row in indexes.rows -%}
        {%- do load_step('drop index ' ~ row[0]) -%}
    {%- endfor -%}
    {%- for row in constraints.rows if not row[3] -%}
        {%- do restore.append(
            'alter table ' ~ row[0] ~ ' add constraint ' ~ row[1] ~ ' ' ~ row[2]
        ) -%}
    {%- endfor -%}
    {%- for row in indexes.rows -%}
        {%- do restore.append(row[1]) -%}
    {%- endfor -%}
    {%- for row in constraints.rows if row[3] -%}
        {%- do restore.append(
            'alter table ' ~ row[0] ~ ' add constraint ' ~ row[1] ~ ' ' ~ row[2]
        ) -%}
    {%- endfor -%}
    {{ return(restore) }}
{%- endmacro %}

{% macro put_keys_back(relation, keys) -%}
    {%- for statement in keys -%}
        {%- do load_step(statement) -%}
    {%- endfor -%}
    {%- do load_step('analyze ' ~ relation) -%}
{%- endmacro %}

{# Sequences go on after the highest value that came from the legacy. #}
{% macro advance_sequences(relation, contract) -%}
    {{ return(adapter.dispatch('advance_sequences', 'traspaso')(relation, contract)) }}
{%- endmacro %}

{% macro postgres__advance_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set sequence = "pg_get_serial_sequence('" ~ relation ~ "', '" ~ column.name ~ "')" -%}
        {%- do load_step(
            "select setval(" ~ sequence ~ ", highest) from (select max(" ~ column.name
            ~ ") as highest from " ~ relation ~ ") as loaded where highest > coalesce("
            ~ "pg_sequence_last_value(" ~ sequence ~ "::regclass), 0)"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# DuckDB sets no sequence: it is drawn from until it is past the highest value. #}
{% macro duckdb__advance_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set sequence = _sequence(relation, column) -%}
        {%- do load_step(
            "select count(nextval('" ~ sequence ~ "')) from (select unnest(range(greatest(0,"
            ~ " (select coalesce(max(" ~ column.name ~ "), 0) from " ~ relation ~ ")"
            ~ " - coalesce((select last_value from duckdb_sequences() where schema_name = '"
            ~ relation.schema ~ "' and sequence_name = '" ~ relation.identifier ~ "_"
            ~ column.name ~ "_seq'), 0)))))"
        ) -%}
    {%- endfor -%}
{%- endmacro %}
