{#
    The keys of a table whose rows differ, where its sums do, or a sampled row:
    source_table, key. Only rows of buckets that differ are compared.

    node           the compat model, as in `graph`
    legacy, shown  relations of legacy_sums and shown_sums
    sample         relation of sampled_digests
#}
{% macro differing_keys(node, legacy, shown, sample) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set columns = node.columns.values() | list -%}
    {%- set buckets = _differing_buckets(table, legacy, shown) -%}
    {%- if not buckets %}
    select
        null::text as source_table,
        null::text as key
    where false
    {%- else %}
    {%- set within =
        'where (digested._digest & 255)::integer in (' ~ buckets | join(', ') ~ ')' %}
    select distinct
        '{{ table }}' as source_table,
        coalesce(legado._key, destino._key) as key
    from (
        select * from (
            select
                typed._key,
                {{ model_digest(node) }} as _digest
            from ({{ legacy_typed(node) }}) as typed
        ) as digested
        {{ within }}
    ) as legado
    full join
    {%- if is_reading_back() %}
    (
        select * from (
            select
                typed._key,
                {{ model_digest(node) }} as _digest
            from ({{ shown_read(node) }}) as typed
        ) as digested
        {{ within }}
    )
    {%- else %}
    {{ from_target(
        'select * from (select typed._key, '
        ~ target_dispatch('row_digest')(columns, 'typed')
        ~ ' as _digest from (' ~ shown_typed(node) ~ ') as typed offset 0) as digested '
        ~ within
    ) }}
    {%- endif %} as destino on legado._key = destino._key
    where legado._digest is distinct from destino._digest
    {%- endif %}
    {%- if is_reading_back() and is_building() %}
    union
    select
        source_table,
        key
    from {{ differing_in_sample(node, sample) }}
    {%- endif %}
{%- endmacro %}

{% macro _differing_buckets(table, legacy, shown) -%}
    {%- set found = run_query(
        "select coalesce(legado.bucket, destino.bucket) as bucket from (select * from "
        ~ legacy ~ " where source_table = '" ~ table ~ "' and bucket is not null)"
        ~ " as legado full join (select *"
        ~ " from " ~ shown ~ " where source_table = '" ~ table ~ "') as destino"
        ~ " on legado.bucket = destino.bucket"
        ~ " where coalesce(legado.llanas, 0) <> coalesce(destino.llanas, 0)"
        ~ " or legado.suma is distinct from destino.suma order by 1"
    ) if is_building() else none -%}
    {{ return(found.rows | map(attribute=0) | map('int') | list if found else []) }}
{%- endmacro %}
