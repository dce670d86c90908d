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
