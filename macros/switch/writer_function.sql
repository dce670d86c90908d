{#
    The trigger function that carries a write under an English name to the final tables:

        <compat>.escribe_<table>()   INSTEAD OF INSERT, UPDATE or DELETE, for each row

    The row is mapped by the models' own queries. Of an updated row only the columns are
    written whose mapped value changes with the update, so that what Spanish code wrote
    and the English names cannot show stays. A row that the final table would refuse is
    refused with the English column and the rule, and the rule's SQLSTATE.

    What the compat view then shows otherwise than it was written is noted in `repairs`;
    NEW becomes what the view shows, for RETURNING.

    table    legacy table
    targets  [{contract, queried}] of the final tables that it goes to
    compat   schema of the compat views
    columns  names of the compat view's columns, in its order
    node     the compat model
#}
{% macro writer_function(system, table, targets, compat, columns, node) -%}
create function {{ writer_name(table, compat) }}() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $traspaso$
#variable_conflict use_column
declare
    -- what the final tables hold for the old and for the new row
    vieja record;
    nueva record;
    -- the row as it went to the table `destino`, and as the view shows it afterwards
    quedo record;
    destino text;
    clave text;
    clave_vieja text;
    -- the primary key of the old row, where the models know it by another
    lugar record;
    leida record;
    habia boolean;
    hay boolean;
    escrita boolean := false;
begin
    perform traspaso.note_use('{{ system }}', '{{ table }}', 'write');
    {{ _require_legacy_parents(system, table, compat) }}
    {%- for each in targets %}
    {{ _write_to(system, table, each.contract, each.queried, compat, columns) }}
    {%- endfor %}
    {%- for each in targets %}
    if destino = '{{ each.contract.table }}' then
        select * into leida from {{ adapter.quote(compat) }}.{{ adapter.quote(table) }} as shown
        where {{ _shown_key(each.contract, table, 'quedo') }};
        if found then
            {{ _note_repairs(system, each.contract, table, node) }}
            {%- for name in columns %}
            new.{{ adapter.quote(name) }} := leida.{{ adapter.quote(name) }};
            {%- endfor %}
        end if;
    end if;
    {%- endfor %}
    if tg_op = 'DELETE' then
        if not escrita then
            return null;
        end if;
        return old;
    end if;
    if not escrita then
        if tg_op = 'UPDATE' then
            return null;
        end if;
        raise exception '{{ table }}: no table of {{ system }} takes this row'
            using errcode = 'check_violation', schema = tg_table_schema, table = '{{ table }}';
    end if;
    return new;
end
$traspaso$
{%- endmacro %}

{% macro writer_name(table, compat) -%}
    {{ return(adapter.quote(compat) ~ '.' ~ adapter.quote('escribe_' ~ table)) }}
{%- endmacro %}

{% macro _write_to(system, table, contract, queried, compat, columns) -%}
    {%- set mapping = mapping_name(contract, table, compat) -%}
    {%- set relation = final_relation(contract) -%}
    {%- set written = written_columns(contract, queried) | map(attribute='name') | list -%}
    {%- set absorbed = table in contract.absorbs -%}
    -- {{ contract.table }}
    habia := false;
    hay := false;
    if tg_op <> 'INSERT' then
        select * into vieja from {{ mapping }}(array[{{ _row_of('old', columns, compat, table) }}]);
        habia := found;
    end if;
    if tg_op <> 'DELETE' then
        select * into nueva from {{ mapping }}(array[{{ _row_of('new', columns, compat, table) }}]);
        hay := found;
    end if;
    if hay then
        if habia then
            -- what the view does not show of the old row does not speak against the new one
            nueva.motivos := array(
                select reason from unnest(nueva.motivos) with ordinality as given (reason, nth)
                where reason <> all (vieja.motivos) order by nth
            );
        end if;
        -- not in the condition above: a record that was never filled has no fields to ask for
        if nueva.motivos <> '{}' then
            perform traspaso.refuse_row('{{ table }}', nueva.motivos);
        end if;
    end if;
    {%- if contract.load_key != contract.primary_key.columns %}
    if habia then
        {{ _find_old(contract, written) }}
    end if;
    {%- endif %}
    if habia and hay then
        if ({{ _fields('vieja', written) }}) is distinct from ({{ _fields('nueva', written) }}) then
            {{ _require_keys(contract, table, written, true) }}
            update {{ relation }} as final
            set
                {%- for column in written_columns(contract, queried) %}
                {{ adapter.quote(column.name) }} = {{ _changed(column, table, contract) }}{{ ',' if not loop.last }}
                {%- endfor %}
            where {{ _old_row(contract) }};
            escrita := escrita or found;
        else
            perform 1 from {{ relation }} as final
            where {{ _old_row(contract) }};
            escrita := escrita or found;
        end if;
    elsif habia then
        {{ _keep_children(system, contract, table, compat) }}
        delete from {{ relation }} as final where {{ _old_row(contract) }};
        if found then
            escrita := true;
            delete from traspaso.repairs as repair
            where
                repair.system = '{{ system }}' and repair.source_table = '{{ table }}'
                and repair.source_key = {{ _key_of(contract, 'vieja') }}
                and repair.target_table = '{{ contract.table }}';
        end if;
    elsif hay then
        {%- if absorbed %}
        {{ _absorb(system, contract, table, columns, written) }}
        if found then
            insert into traspaso.changes (system, source_table, source_key, operation)
            values ('{{ system }}', '{{ table }}', {{ _key_of(contract, 'nueva') }}, 'i');
        else
        {%- endif %}
        {{ _take_over(system, contract, table, compat, written) }}
        {{ _require_keys(contract, table, written, false) }}
        insert into {{ relation }} ({{ _quoted(written) }})
        values ({{ _fields('nueva', written) }})
        {{ _or_take_over(contract, table, written) }};
        delete from traspaso.row_fates as fate
        where
            fate.system = '{{ system }}' and fate.source_table = '{{ table }}'
            and fate.source_key = {{ _key_of(contract, 'nueva') }} and fate.fate = 'quarantined';
        {%- if absorbed %}
        end if;
        {%- endif %}
        escrita := true;
    end if;
    if habia then
        clave_vieja := {{ _key_of(contract, 'vieja') }};
    end if;
    if hay then
        quedo := nueva;
        destino := '{{ contract.table }}';
        clave := {{ _key_of(contract, 'nueva') }};
    end if;
{%- endmacro %}

{% macro final_relation(contract) -%}
    {%- set relation = _target_of(contract) -%}
    {{ return(adapter.quote(relation.schema) ~ '.' ~ adapter.quote(relation.identifier)) }}
{%- endmacro %}

{% macro _quoted(names) -%}
    {%- for name in names -%}{{ ', ' if not loop.first }}{{ adapter.quote(name) }}{%- endfor -%}
{%- endmacro %}

{% macro _fields(alias, names) -%}
    {%- for name in names -%}
        {{ ', ' if not loop.first }}{{ alias }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{% macro _row_of(alias, columns, compat, table) -%}
    row({{ _fields(alias, columns) }})::{{ adapter.quote(compat) }}.{{ adapter.quote(table) }}
{%- endmacro %}

{% macro _same_key(contract, one, other) -%}
    {%- for name in contract.load_key -%}
        {{ ' and ' if not loop.first }}{{ one }}.{{ adapter.quote(name) }} = {{ other }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{# The row of the final table that `vieja` was. #}
{% macro _old_row(contract) -%}
    {%- if contract.load_key == contract.primary_key.columns -%}
        {{ _same_key(contract, 'final', 'vieja') }}
    {%- else -%}
        {%- for name in contract.primary_key.columns -%}
            {{ ' and ' if not loop.first }}final.{{ adapter.quote(name) }} = lugar.{{ adapter.quote(name) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
    Finds the old row by the key that the models know it by; where that has a hole, and
    so is no key, any row that is equal.
#}
{% macro _find_old(contract, written) -%}
        if
            {%- for name in contract.load_key %}
            {{ 'or ' if not loop.first }}vieja.{{ adapter.quote(name) }} is null
            {%- endfor %}
        then
            select {{ _quoted(contract.primary_key.columns) }} into lugar
            from {{ final_relation(contract) }} as final
            where
                {%- for name in written %}
                {{ 'and ' if not loop.first }}final.{{ adapter.quote(name) }} is not distinct from vieja.{{ adapter.quote(name) }}
                {%- endfor %}
            limit 1;
        else
            select {{ _quoted(contract.primary_key.columns) }} into lugar
            from {{ final_relation(contract) }} as final
            where {{ _same_key(contract, 'final', 'vieja') }};
        end if;
{%- endmacro %}

{# The legacy key of a mapped row, as `source_key` has it. #}
{% macro _key_of(contract, alias) -%}
    {%- set names = [] -%}
    {%- for name in contract.load_key -%}
        {%- do names.append(alias ~ '.' ~ adapter.quote(name)) -%}
    {%- endfor -%}
    {{ row_key(names) }}
{%- endmacro %}

{# The row of the compat view that stands for a mapped row. #}
{% macro _shown_key(contract, table, mapped='nueva') -%}
    {%- for name in contract.load_key -%}
        {{ ' and ' if not loop.first }}shown.{{ adapter.quote(english_column(contract, name, table)) }} = {{ mapped }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{#
    The value that an update leaves in a column. Who counts up from a number that somebody
    else has changed since must be told: the count would be lost, be the two counts equal or
    not. A row that one statement meets twice was changed by nobody else.
#}
{% macro _changed(column, table, contract) -%}
    {%- set name = adapter.quote(column.name) -%}
    {%- set now = 'nueva.' ~ name -%}
    {%- if column.type == 'jsonb' -%}
        {%- set now = 'traspaso.merged_json(final.' ~ name ~ ', vieja.' ~ name ~ ', nueva.' ~ name ~ ')' -%}
    {%- elif column.type in ['integer', 'bigint', 'smallint'] or column.precision is not none -%}
        {%- set now = "case when final." ~ name ~ " is distinct from vieja." ~ name
            ~ " and final.xmin <> pg_catalog.pg_current_xact_id()::xid"
            ~ " then traspaso.concurrent_write('" ~ table ~ "', '"
            ~ english_column(contract, column.name, table) ~ "', nueva." ~ name ~ ") else nueva." ~ name ~ " end" -%}
    {%- endif -%}
    case when vieja.{{ name }} is distinct from nueva.{{ name }} then {{ now }} else final.{{ name }} end
{%- endmacro %}

{# Refuses a row whose unique or foreign keys do not hold, by its English columns. #}
{% macro _require_keys(contract, table, written, is_update) -%}
    {%- set uniques = [contract.primary_key] + contract.uniques -%}
    {%- for key in uniques if key.columns | reject('in', written) | list == [] %}
            if
                {%- if is_update %}
                ({{ _fields('vieja', key.columns) }}) is distinct from ({{ _fields('nueva', key.columns) }}) and
                {%- endif %}
                exists (
                    select 1 from {{ final_relation(contract) }} as final
                    where
                        {%- for name in key.columns %}
                        {{ 'and ' if not loop.first }}final.{{ adapter.quote(name) }} = nueva.{{ adapter.quote(name) }}
                        {%- endfor %}
                        {%- if not is_update and contract.absorbs and table not in contract.absorbs %}
                        and not ({{ _same_key(contract, 'final', 'nueva') }} and habia)
                        {%- endif %}
                )
            then
                perform traspaso.refuse_row('{{ table }}', array['{{ _english_columns(contract, key.columns, table) }}:unique']);
            end if;
    {%- endfor %}
    {%- for key in contract.foreign_keys if key.columns | reject('in', written) | list == [] %}
    {%- set parent = foreign_relation_of(key) %}
            if
                {%- if is_update %}
                ({{ _fields('vieja', key.columns) }}) is distinct from ({{ _fields('nueva', key.columns) }}) and
                {%- endif %}
                {%- for name in key.columns %}
                nueva.{{ adapter.quote(name) }} is not null and
                {%- endfor %}
                not exists (
                    select 1 from {{ parent }} as parent
                    where
                        {%- for name in key.columns %}
                        {{ 'and ' if not loop.first }}parent.{{ adapter.quote(key.to_columns[loop.index0]) }} = nueva.{{ adapter.quote(name) }}
                        {%- endfor %}
                )
            then
                perform traspaso.refuse_row('{{ table }}', array['{{ _english_columns(contract, key.columns, table) }}:foreign_key']);
            end if;
    {%- endfor %}
{%- endmacro %}

{#
    Refuses a row whose parent no legacy table has, though a final one may: the legacy would
    not take it on the way back. A parent that is in the evidence the legacy has.
#}
{% macro _require_legacy_parents(system, table, compat) -%}
    {%- for key in legacy_foreign_keys(system, table) %}
    {%- set name = adapter.quote(key.column) %}
    if tg_op <> 'DELETE' then
        if
            new.{{ name }} is not null
            and (tg_op = 'INSERT' or new.{{ name }} is distinct from old.{{ name }})
            and not exists (
                select 1 from {{ adapter.quote(compat) }}.{{ adapter.quote(key.parent) }} as parent
                where parent.{{ adapter.quote(key.parent_column) }} = new.{{ name }}
            )
            and not exists (
                select 1 from traspaso.row_fates as fate
                where
                    fate.system = '{{ system }}' and fate.source_table = '{{ key.parent }}'
                    and fate.source_key = new.{{ name }}::text
            )
        then
            perform traspaso.refuse_row('{{ table }}', array['{{ key.column }}:foreign_key']);
        end if;
    end if;
    {%- endfor %}
{%- endmacro %}

{% macro _english_columns(contract, names, table) -%}
    {%- set found = [] -%}
    {%- for name in names -%}
        {%- do found.append(english_column(contract, name, table)) -%}
    {%- endfor -%}
    {{ return(found | join(',')) }}
{%- endmacro %}

{% macro foreign_relation_of(key) -%}
    {%- set relation = _foreign_relation(key.to) if key.to is string else key.to -%}
    {{ return(adapter.quote(relation.schema) ~ '.' ~ adapter.quote(relation.identifier)) }}
{%- endmacro %}

{#
    Before a row goes: the rows that would go with it keep their English form in
    `row_fates`, as a sync puts rows there whose parent is gone; and a row that may not
    go is refused.
#}
{% macro _keep_children(system, contract, table, compat) -%}
    {%- for node in graph.nodes.values()
        if node.config.materialized == 'target_table' and node.config.meta.system == system -%}
        {%- set other = target_contract(node) -%}
        {%- for key in other.foreign_keys
            if foreign_relation_of(key).endswith('.' ~ adapter.quote(contract.table)) -%}
            {%- set child = other.sources[0] -%}
            {%- set english = english_column(other, key.columns[0], child) -%}
            {%- set gone = 'vieja.' ~ adapter.quote(key.to_columns[0]) -%}
            {%- if 'cascade' in key.on_delete | lower %}
        insert into traspaso.row_fates as fate (
            system, source_table, source_key, fate, reasons, target_table, target_key, row,
            run_id, recorded_at
        )
        select
            '{{ system }}', '{{ child }}', {{ _own_key(system, child) }}, 'quarantined',
            array['{{ key.columns[0] }}:foreign_key'], '{{ other.table }}', null,
            to_jsonb(shown.*), '', clock_timestamp()
        from {{ adapter.quote(compat) }}.{{ adapter.quote(child) }} as shown
        where shown.{{ adapter.quote(english) }} = {{ gone }}
        on conflict (system, source_table, source_key, target_table) do update set
            fate = excluded.fate, reasons = excluded.reasons, target_key = excluded.target_key,
            row = excluded.row, run_id = excluded.run_id, recorded_at = excluded.recorded_at;
            {%- elif 'set null' not in key.on_delete | lower %}
        if exists (
            select 1 from {{ final_relation(other) }} as child
            where child.{{ adapter.quote(key.columns[0]) }} = {{ gone }}
        ) then
            perform traspaso.refuse_row('{{ child }}', array['{{ english }}:foreign_key']);
        end if;
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#
    A key of its own for each row that comes to the evidence at once: where the legacy's is
    not unique, with an ordinal that no row of the legacy table has.
#}
{% macro _own_key(system, table) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {{ base_key(system, table) }}
    {%- if key.order_by %} || '#' || 1000000000 + row_number() over (){% endif %}
{%- endmacro %}

{#
    A row of a table whose rows are known to repeat those of another is merged into the
    row that it meets, as a load does.
#}
{% macro _absorb(system, contract, table, columns, written) -%}
        insert into traspaso.row_fates (
            system, source_table, source_key, fate, reasons, target_table, target_key, row,
            run_id, recorded_at
        )
        select
            '{{ system }}', '{{ table }}', {{ _key_of(contract, 'nueva') }}, 'merged',
            array[{% for key in contract.merge_on %}'{{ key | join(',') }}:unique'{{ ', ' if not loop.last }}{% endfor %}],
            '{{ contract.table }}', {{ _row_key(contract, 'final') }},
            to_jsonb(new.*), '', clock_timestamp()
        from {{ final_relation(contract) }} as final
        where
            {%- for key in contract.merge_on %}
            {{ 'or ' if not loop.first }}({% for name in key %}{{ ' and ' if not loop.first }}final.{{ adapter.quote(name) }} = nueva.{{ adapter.quote(name) }}{% endfor %})
            {%- endfor %}
        limit 1
        on conflict (system, source_table, source_key, target_table) do nothing;
{%- endmacro %}

{#
    A row that comes takes the place of one of a table that is known to repeat it, which
    is thereby merged into it.
#}
{% macro _take_over(system, contract, table, compat, written) -%}
    {%- for other in contract.absorbs if other != table %}
        insert into traspaso.row_fates as fate (
            system, source_table, source_key, fate, reasons, target_table, target_key, row,
            run_id, recorded_at
        )
        select
            '{{ system }}', '{{ other }}', {{ _key_of(contract, 'nueva') }}, 'merged',
            array['{{ contract.load_key | join(',') }}:unique'], '{{ contract.table }}',
            {{ _key_of(contract, 'nueva') }}, to_jsonb(shown.*), '', clock_timestamp()
        from {{ adapter.quote(compat) }}.{{ adapter.quote(other) }} as shown
        where {{ _shown_key(contract, other) }}
        on conflict (system, source_table, source_key, target_table) do update set
            fate = excluded.fate, reasons = excluded.reasons, target_key = excluded.target_key,
            row = excluded.row, run_id = excluded.run_id, recorded_at = excluded.recorded_at;
        habia := found;
    {%- endfor %}
{%- endmacro %}

{% macro _or_take_over(contract, table, written) -%}
    {%- if contract.absorbs and table not in contract.absorbs -%}
        on conflict ({{ _quoted(contract.load_key) }}) do update set
            {%- for name in written if name not in contract.load_key %}
            {{ adapter.quote(name) }} = excluded.{{ adapter.quote(name) }}{{ ',' if not loop.last }}
            {%- endfor %}
    {%- endif -%}
{%- endmacro %}

{#
    Notes what the view shows otherwise than it was written, and forgets it of the values
    that were written anew.
#}
{% macro _note_repairs(system, contract, table, node) -%}
            if tg_op = 'UPDATE' then
                delete from traspaso.repairs as repair
                where
                    repair.system = '{{ system }}' and repair.source_table = '{{ table }}'
                    and repair.source_key = coalesce(clave_vieja, clave)
                    and repair.column_name in (
                        select changed.name
                        from (
                            values
                            {%- for column in node.columns.values() %}
                            ('{{ column.name }}', old.{{ adapter.quote(column.name) }} is distinct from new.{{ adapter.quote(column.name) }}){{ ',' if not loop.last }}
                            {%- endfor %}
                        ) as changed (name, is_changed)
                        where changed.is_changed
                    );
            end if;
            insert into traspaso.repairs as repair (
                system, source_table, source_key, column_name, rule, before, after, shown,
                target_table, run_id, recorded_at
            )
            select
                '{{ system }}', '{{ table }}', clave, given.name,
                case when given.before is null then 'default' else given.rule end, given.before, given.shown, given.shown,
                '{{ contract.table }}', '', clock_timestamp()
            from (
                values
                {%- for column in node.columns.values() %}
                {%- set name = adapter.quote(column.name) %}
                (
                    '{{ column.name }}', '{{ _repair_of(contract, column.name, table) }}',
                    new.{{ name }}::text,
                    {{ canonical_text('new.' ~ name, column.data_type) }},
                    {{ canonical_text('leida.' ~ name, column.data_type) }},
                    tg_op = 'INSERT' or old.{{ name }} is distinct from new.{{ name }}
                    or (old.{{ name }} is not null and leida.{{ name }} is null),
                    {% if column.data_type.startswith('json') -%}
                    new.{{ name }}::text is distinct from leida.{{ name }}::text
                    {%- else -%}
                    false
                    {%- endif %}
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ) as given (name, rule, before, written, shown, is_written, is_other_text)
            where
                given.is_written
                and (given.written is distinct from given.shown or given.is_other_text)
            on conflict (system, source_table, source_key, column_name, target_table)
            do update set
                rule = excluded.rule, before = excluded.before, after = excluded.after,
                shown = excluded.shown, run_id = excluded.run_id,
                recorded_at = excluded.recorded_at;
            if found then
                -- the final row may be as it was: the note alone must find its way back
                insert into traspaso.changes (system, source_table, source_key, operation)
                values ('{{ system }}', '{{ table }}', clave, 'u');
            end if;
{%- endmacro %}

{# The rule by which a legacy column is repaired. #}
{% macro _repair_of(contract, name, table) -%}
    {%- for column in contract.columns
        if english_column(contract, column.name, table) == name and column.source -%}
        {{ return(column.repair) }}
    {%- endfor -%}
    {{ return('no_column') }}
{%- endmacro %}
