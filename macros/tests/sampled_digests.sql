{#
    The row_digest, in DuckDB, of some legacy rows of a table, to be held against what
    PostgreSQL says of them: source_table, key, digest. All rows of a small table, else
    of stretches all over it, the first and the last rows included. Of the rows that the
    evidence says nothing of.

    Where is_reading_back, every row goes through DuckDB's reader, and a value that it
    writes and reads wrong alike would not be seen. Such faults are of a type or of a
    kind of value, and the sample shows them. Where row_digest proves all rows there is
    no sample.

    node  the compat model, as in `graph`
#}
{% macro sampled_digests(node) -%}
    {%- if not (is_reading_back() and is_building()) %}
    select
        null::text as source_table,
        null::text as key,
        null::bigint as digest
    where false
    {%- else %}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set apart = apart_keys(system, table) %}
    select
        '{{ table }}' as source_table,
        typed._key as key,
        {{ row_digest(node.columns.values() | list, 'typed') }} as digest
    from (
        {{ legacy_typed(node, rows=_sample(legacy_relation(system, table))) }}
    ) as typed
    {%- if has_rows(apart) %}
    where typed._key not in (select apart.key from {{ from_server(apart) }} as apart)
    {%- endif %}
    {%- endif %}
{%- endmacro %}

{#
    The keys of those of the sampled rows that are not so in PostgreSQL: source_table,
    key. PostgreSQL works it out.

    sample  relation of sampled_digests
#}
{% macro differing_in_sample(node, sample) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set key = var('legacy_keys')[node.config.meta.system][table] -%}
    {%- set keys = "select key from " ~ sample ~ " where source_table = '" ~ table ~ "'" -%}
    {{ from_server(
        "select sampled.source_table, sampled.key from " ~ sample ~ " as sampled left join ("
        ~ "select typed._key, " ~ postgres__row_digest(node.columns.values() | list, 'typed')
        ~ " as _digest from (" ~ shown_typed(node) ~ " where "
        ~ (
            key.columns[0] ~ '::text = any(array(' ~ keys ~ '))' if key.columns | length == 1
            else row_key(key.columns) ~ ' in (' ~ keys ~ ')'
        )
        ~ ") as typed) as shown on sampled.key = shown._key where sampled.source_table = '"
        ~ table ~ "' and sampled.digest is distinct from shown._digest"
    ) }}
{%- endmacro %}

{# All rows of a small table, as a relation; else of stretches all over it. #}
{% macro _sample(relation) -%}
    {%- set stretches, length = 8, 512 -%}
    {%- set last = run_query(
        'select coalesce(max(rowid) + 1, 0) from ' ~ relation
    ).rows[0][0] | int -%}
    {%- if last <= stretches * length -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set sampled = [] -%}
    {%- for number in range(stretches) -%}
        {%- set first = number * (last - length) // (stretches - 1) -%}
        {%- do sampled.append([first, first + length]) -%}
    {%- endfor -%}
    {{ return(legacy_stretches(relation, sampled)) }}
{%- endmacro %}
