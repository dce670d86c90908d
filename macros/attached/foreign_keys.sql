{#
    Takes off the foreign keys of the table and of those that are loaded in the same
    run, as far as these are empty, and those that refer to the table; writes them down
    in traspaso.foreign_keys. All at once and before any is loaded: taking one off needs
    its parent's lock, which a sibling's validation would hold for minutes. Committed at
    once, in a session of its own.
#}
{% macro take_foreign_keys_off(relation) -%}
    {%- set together = "to_regclass('" ~ _loaded_together(relation)
        | join("'), to_regclass('") ~ "')" -%}
    {%- set table = "to_regclass('" ~ _server_name(relation) ~ "')" -%}
    {%- do run_query(on_server(alone=true, sql="
do $take$
declare
    taken record;
    is_empty boolean;
    patience text := current_setting('lock_timeout');
begin
    -- definitions name the parent with its schema: a rollback has another search_path
    perform set_config('search_path', 'pg_catalog', true);
    perform pg_advisory_xact_lock(hashtextextended('traspaso foreign keys', 0));
    for taken in
        select
            con.oid,
            con.conname as name,
            format('%I.%I', child_space.nspname, child.relname) as child,
            format('%I.%I', parent_space.nspname, parent.relname) as parent,
            replace(pg_get_constraintdef(con.oid), ' NOT VALID', '') as definition,
            con.confrelid = " ~ table ~ " as refers
        from pg_constraint as con
        inner join pg_class as child on child.oid = con.conrelid
        inner join pg_namespace as child_space on child_space.oid = child.relnamespace
        inner join pg_class as parent on parent.oid = con.confrelid
        inner join pg_namespace as parent_space on parent_space.oid = parent.relnamespace
        where
            con.contype = 'f'
            and con.conparentid = 0
            and (
                con.confrelid = " ~ table ~ "
                or con.conrelid in (" ~ together ~ ")
            )
        order by con.oid
    loop
        execute format('select not exists (select 1 from %s)', taken.child) into is_empty;
        continue when not (is_empty or taken.refers);
        insert into traspaso.foreign_keys values
            (taken.child, taken.name, taken.parent, taken.definition);
        " ~ _wait_for_maintenance() ~ "
        execute format('alter table %s drop constraint %I', taken.child, taken.name);
    end loop;
end
$take$
    ")) -%}
{%- endmacro %}

{#
    Puts back the foreign keys of the table, not validated yet, and those of tables that
    refer to it and are not loaded in this run. Committed at once: adding one locks its
    parent, validating it does not. A partitioned table takes none that is not valid (before
    PostgreSQL 18): each of its partitions gets one, see _join_foreign_keys.
#}
{% macro put_foreign_keys_back(relation) -%}
    {%- set together = "'" ~ _loaded_together(relation) | join("', '") ~ "'" -%}
    {%- set table = "'" ~ _server_name(relation) ~ "'" -%}
    {%- do run_query(on_server(alone=true, sql="
do $put$
declare
    taken record;
    leaf record;
    is_partitioned boolean;
    patience text := current_setting('lock_timeout');
begin
    perform pg_advisory_xact_lock(hashtextextended('traspaso foreign keys', 0));
    for taken in
        select * from traspaso.foreign_keys
        where
            child = " ~ table ~ "
            or parent = " ~ table ~ " and child not in (" ~ together ~ ")
        order by child, name
    loop
        " ~ _wait_for_maintenance() ~ "
        is_partitioned := false;
        for leaf in
            select class.oid::regclass as name, class.relispartition
            from pg_class as class
            where
                class.relkind = 'r'
                and (
                    class.oid = taken.child::regclass
                    or class.oid in (select relid from pg_partition_tree(taken.child))
                )
        loop
            is_partitioned := is_partitioned or leaf.relispartition;
            if not exists (
                select from pg_constraint
                where conrelid = leaf.name and contype = 'f' and conname = taken.name
            ) then
                execute format(
                    'alter table %s add constraint %I %s not valid',
                    leaf.name, taken.name, taken.definition
                );
            end if;
            if taken.child <> " ~ table ~ " then
                execute format('alter table %s validate constraint %I', leaf.name, taken.name);
            end if;
        end loop;
        if is_partitioned and taken.child <> " ~ table ~ " then
            execute format(
                'alter table %s add constraint %I %s',
                taken.child, taken.name, taken.definition
            );
        end if;
        if not is_partitioned or taken.child <> " ~ table ~ " then
            delete from traspaso.foreign_keys
            where child = taken.child and name = taken.name;
        end if;
    end loop;
end
$put$
    ")) -%}
{%- endmacro %}

{# The names of the table and of those that are loaded in the same run. #}
{% macro _loaded_together(relation) -%}
    {%- set names = [_server_name(relation)] -%}
    {%- for name in selected_resources -%}
        {%- set node = graph.nodes.get(name) -%}
        {%- if node and node.config.materialized == 'target_table' -%}
            {%- do names.append(node.schema ~ '.' ~ node.alias) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# The weak lock that lock_strongly takes first, on both tables of a foreign key. #}
{% macro _wait_for_maintenance() -%}
        perform set_config('lock_timeout', '5s', true);
        execute format(
            'lock table %s, %s in share update exclusive mode', taken.child, taken.parent
        );
        perform set_config('lock_timeout', patience, true);
{%- endmacro %}

{#
    Validates the table's foreign keys; rows without a parent are judged apart. Returns
    how many rows left the table.
#}
{% macro _settle_foreign_keys(work) -%}
    {%- set statements = [] -%}
    {%- for key in _unvalidated(work.relation) -%}
        {%- do statements.append('alter table ' ~ key[0] ~ ' validate constraint ' ~ key[1]) -%}
    {%- endfor -%}
    {%- set violated = unless_violated(statements, 'foreign_key_violation') -%}
    {%- if violated == [] -%}
        {%- do _join_foreign_keys(work) -%}
        {{ return(0) }}
    {%- endif -%}
    {%- do model_step(
        'create or replace temporary table ' ~ _apart(work.contract, 'keys') ~ ' (key text)'
    ) -%}
    {%- do _collect_orphans(work, work.relation) -%}
    {%- set rows = load_step('select count(*) from ' ~ work.relation).rows[0][0] | int -%}
    {%- do record_judged(work, judge_apart(work, work.relation), partly=true) -%}
    {%- for statement in violated -%}
        {%- do load_step(statement) -%}
    {%- endfor -%}
    {%- do _join_foreign_keys(work) -%}
    {{ return(
        rows - load_step('select count(*) from ' ~ work.relation).rows[0][0] | int
    ) }}
{%- endmacro %}

{# The foreign keys of the table, or of its partitions, that are not validated: table and name. #}
{% macro _unvalidated(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {{ return(load_step(
        "select conrelid::regclass::text as part, quote_ident(conname) as name"
        ~ " from pg_constraint where contype = 'f'"
        ~ " and not convalidated and conparentid = 0 and (conrelid = " ~ table
        ~ " or conrelid in (select relid from pg_partition_tree(" ~ table ~ "))) order by oid"
    ).rows.values() | map('list') | list) }}
{%- endmacro %}

{#
    The foreign keys of a partitioned table, once those of its partitions are validated: PostgreSQL
    takes these for its own and reads no row again.
#}
{% macro _join_foreign_keys(work) -%}
    {%- if work.contract.partition -%}
        {%- do load_step("
do $join$
declare
    taken record;
    patience text := current_setting('lock_timeout');
begin
    for taken in
        delete from traspaso.foreign_keys
        where child = '" ~ _server_name(work.relation) ~ "'
        returning *
    loop
        " ~ _wait_for_maintenance() ~ "
        execute format(
            'alter table %s add constraint %I %s', taken.child, taken.name, taken.definition
        );
    end loop;
end
$join$
        ") -%}
    {%- endif -%}
{%- endmacro %}

{# What load_target_table has done already. #}
{% macro attached__validate_foreign_keys(relation) -%}{%- endmacro %}
