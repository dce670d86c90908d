{#
    The rows of a table that the evidence says nothing of, summed up by the end of their
    keys: two engines that hold the same rows give the same sums. One row a bucket:

    source_table, bucket
    filas   rows, those that the evidence speaks of included
    llanas  rows that it says nothing of
    suma    sum of their digests, as text

    Of the legacy, in the engine that runs the models, and of what the compat view
    shows, where the final tables are.

    node  the compat model, as in `graph`
#}
{% macro legacy_sums(node) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set typed -%}
        select
            {%- for column in node.columns.values() %}
            {{ legacy_value(column.name, column.data_type) }} as {{ column.name }},
            {%- endfor %}
            {{ storable_text(base_key(system, table)) }} as _key
        from {{ legacy_relation(system, table) }}
    {%- endset -%}
    {%- set apart = apart_keys(system, table) -%}
    {{ _sums(
        table, typed, row_digest(node.columns.values() | list, 'typed'),
        from_target(apart) if has_rows(apart) else none
    ) }}
{%- endmacro %}

{% macro shown_sums(node) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set typed -%}
        select
            *,
            {{ base_key(system, table) }} as _key
        from {{ node_relation(node) }}
    {%- endset -%}
    {%- set apart = apart_keys(system, table) -%}
    select * from {{ from_target(_sums(
        table, typed,
        target_dispatch('row_digest')(node.columns.values() | list, 'typed'),
        '(' ~ apart ~ ')' if has_rows(apart) else none
    )) }} as shown
{%- endmacro %}

{% macro _sums(table, typed, digest, apart) -%}
    select
        '{{ table }}' as source_table,
        right(typed._key, 2) as bucket,
        count(*) as filas,
        count(*) filter (where not typed._is_apart) as llanas,
        cast(sum(typed._digest) filter (where not typed._is_apart) as text) as suma
    from (
        select
            typed._key,
            {{ digest }} as _digest,
            {% if apart is none -%}
            false
            {%- else -%}
            typed._key in (select apart.key from {{ apart }} as apart)
            {%- endif %} as _is_apart
        from ({{ typed }}) as typed
    ) as typed
    group by 2
{%- endmacro %}

{#
    The legacy keys of a table that the evidence speaks of, with and without the ordinal
    of rows that share one: a query to the target.
#}
{% macro apart_keys(system, table) -%}
    {%- for name in ['row_fates', 'repairs'] %}
    {{ 'union' if not loop.first }}
    select unnest(array[source_key, {{ without_ordinal('source_key') }}]) as key
    from {{ evidence_relation(name) }}
    where system = '{{ system }}' and source_table = '{{ table }}'
    {%- endfor %}
{%- endmacro %}

{# Whether a query to the target finds anything; where nothing is built nobody asks. #}
{% macro has_rows(query) -%}
    {{ return(is_building() and target_query(
        'select count(*) from (' ~ query ~ ') as found'
    ).rows[0][0] > 0) }}
{%- endmacro %}

{# Whether what a model reads is there: a compilation has nothing to look at. #}
{% macro is_building() -%}
    {{ return(execute and flags.WHICH in ('build', 'run', 'test')) }}
{%- endmacro %}

{# A query to the target, as a relation where the models run. #}
{% macro from_target(query) -%}
    {{ from_server(query) if is_attached() else '(' ~ query ~ ')' }}
{%- endmacro %}
