{#
    The keys of a table whose rows differ, where its sums do: source_table, key. Only
    buckets that differ are read again.

    node          the compat model, as in `graph`
    legacy, shown  relations of legacy_sums and shown_sums
#}
{% macro differing_keys(node, legacy, shown) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set columns = node.columns.values() | list -%}
    {%- set found = run_query(
        "select coalesce(legado.bucket, destino.bucket) as bucket from (select * from "
        ~ legacy ~ " where source_table = '" ~ table ~ "') as legado full join (select *"
        ~ " from " ~ shown ~ " where source_table = '" ~ table ~ "') as destino"
        ~ " on legado.bucket = destino.bucket"
        ~ " where coalesce(legado.llanas, 0) <> coalesce(destino.llanas, 0)"
        ~ " or legado.suma is distinct from destino.suma"
    ) if is_building() else none -%}
    {%- set buckets = [] -%}
    {%- for row in (found.rows if found else []) -%}
        {%- do buckets.append("'" ~ row[0] | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {%- if buckets == [] %}
    select
        null::text as source_table,
        null::text as key
    where false
    {%- else %}
    {%- set within = 'right(typed._key, 2) in (' ~ buckets | join(', ') ~ ')' %}
    select distinct
        '{{ table }}' as source_table,
        coalesce(legado._key, destino._key) as key
    from (
        select
            typed._key,
            {{ row_digest(columns, 'typed') }} as _digest
        from (
            select
                {%- for column in columns %}
                {{ legacy_value(column.name, column.data_type) }} as {{ column.name }},
                {%- endfor %}
                {{ storable_text(base_key(system, table)) }} as _key
            from {{ legacy_relation(system, table) }}
        ) as typed
        where {{ within }}
    ) as legado
    full join {{ from_target(
        'select typed._key, ' ~ target_dispatch('row_digest')(columns, 'typed')
        ~ ' as _digest from (select *, ' ~ base_key(system, table) ~ ' as _key from '
        ~ node_relation(node) ~ ') as typed where ' ~ within
    ) }} as destino on legado._key = destino._key
    where legado._digest is distinct from destino._digest
    {%- endif %}
{%- endmacro %}
