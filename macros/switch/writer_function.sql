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
