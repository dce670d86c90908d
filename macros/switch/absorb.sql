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
