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
