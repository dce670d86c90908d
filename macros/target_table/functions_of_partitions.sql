{#
    The functions that make the partitions of a table: for the load, and for whoever needs the
    next year's. A partition is made beside the table and attached: readers and writers of the
    table go on. Rows of its period that are in the default partition move to it, which is
    locked meanwhile.

    traspaso.add_partitions(parent, first, last, every) returns how many were made: one
    for each month (or year) from that of `first` to that of `last`, without those that
    are there.
#}
{% macro _functions_of_partitions() -%}
create or replace function traspaso.missing_partitions(
    parent regclass, first_day date, last_day date, every text
) returns table (name text, begins date, ends date)
language sql stable set search_path = pg_catalog as $body$
    select
        wanted.name,
        wanted.begins,
        (wanted.begins + ('1 ' || $4)::interval)::date
    from (
        select
            class.relname || '_'
            || to_char(period, case $4 when 'year' then 'YYYY' else 'YYYY_MM' end) as name,
            period::date as begins
        from pg_class as class
        cross join generate_series(
            date_trunc($4, $2::timestamp), $3::timestamp, ('1 ' || $4)::interval
        ) as period
        where class.oid = $1
    ) as wanted
    where not exists (
        select 1
        from pg_inherits as part
        inner join pg_class as made on made.oid = part.inhrelid
        where part.inhparent = $1 and made.relname = wanted.name
    )
    order by wanted.begins
$body$;
comment on function traspaso.missing_partitions(regclass, date, date, text) is
    'Particiones que le faltan a una tabla entre dos días';

create or replace function traspaso.lacks_partitions(
    parent regclass, first_day date, last_day date, every text
) returns boolean
language sql stable set search_path = pg_catalog as $body$
    select exists (select 1 from traspaso.missing_partitions($1, $2, $3, $4))
$body$;
comment on function traspaso.lacks_partitions(regclass, date, date, text) is
    'Si a una tabla le faltan particiones entre dos días';

create or replace function traspaso.add_partitions(
    parent regclass, first_day date, last_day date, every text default 'month'
) returns integer
language plpgsql set search_path = pg_catalog set datestyle = 'ISO' as $body$
declare
    part record;
    space text;
    date_column text;
    rest regclass;
    wanted bigint;
    made integer := 0;
begin
    if every not in ('month', 'year') then
        raise exception 'a table is partitioned by month or by year, not by %', every;
    end if;
    select n.nspname, a.attname, nullif(p.partdefid, 0)
    into space, date_column, rest
    from pg_partitioned_table as p
    inner join pg_class as c on c.oid = p.partrelid
    inner join pg_namespace as n on n.oid = c.relnamespace
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
    where p.partrelid = parent and p.partstrat = 'r';
    if not found then
        raise exception '% is not partitioned by range', parent;
    end if;
    select count(*) into wanted
    from traspaso.missing_partitions(parent, first_day, last_day, every);
    if wanted = 0 then
        return 0;
    end if;
    if wanted > 400 then
        raise exception '% partitions are too many for %; 400 are the most', wanted, parent;
    end if;
    if rest is not null then
        execute format('lock table only %s in access exclusive mode', rest);
    end if;
    for part in
        select * from traspaso.missing_partitions(parent, first_day, last_day, every)
    loop
        execute format('create table %I.%I (like %s including all)', space, part.name, parent);
        if rest is not null then
            execute format(
                'with moved as (delete from %s where %I >= %L and %I < %L returning *)'
                ' insert into %I.%I select * from moved',
                rest, date_column, part.begins, date_column, part.ends, space, part.name
            );
        end if;
        execute format(
            'alter table %s attach partition %I.%I for values from (%L) to (%L)',
            parent, space, part.name, part.begins, part.ends
        );
        made := made + 1;
    end loop;
    return made;
end
$body$;
comment on function traspaso.add_partitions(regclass, date, date, text) is
    'Crea las particiones que le faltan a una tabla entre dos días, y pasa a ellas sus filas';
{%- endmacro %}
