{#
    The rows of a table that the evidence says nothing of, summed up in buckets: two
    engines that hold the same rows give the same sums. One row a bucket:

    source_table, bucket
    filas   rows, those that the evidence speaks of included
    llanas  rows that it says nothing of
    suma    sum of their digests, as text

    Of a file that is read back, beside them one row a row group, see row_group: its
    number, no bucket, and the sum of all its rows.

    A row's bucket follows from its digest. Of the legacy, in the engine that runs the
    models, and of what the compat view shows: by row_digest in the engine where the
    final tables are, or, where is_reading_back, by DuckDB's hash in both.

    node  the compat model, as in `graph`
#}
{% macro legacy_sums(node) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set apart = apart_keys(node.config.meta.system, table) -%}
    {%- set with_key = has_rows(apart) -%}
    {{ _sums(
        table, legacy_typed(node, with_key, grouped=is_reading_back()), model_digest(node),
        from_target(apart) if with_key else none, grouped=is_reading_back()
    ) }}
{%- endmacro %}

{% macro shown_sums(node) -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set apart = apart_keys(node.config.meta.system, table) -%}
    {%- set with_key = has_rows(apart) -%}
    {%- if is_reading_back() -%}
    {{ _sums(
        table, shown_read(node, with_key), model_digest(node),
        from_target(apart) if with_key else none
    ) }}
    {%- else -%}
    select * from {{ from_target(_sums(
        table, shown_typed(node), target_dispatch('row_digest')(
            node.columns.values() | list, 'typed'
        ),
        '(' ~ apart ~ ')' if with_key else none
    )) }} as shown
    {%- endif -%}
{%- endmacro %}

{# The sums of no table. #}
{% macro no_sums() -%}
    select
        null::text as source_table,
        null::integer as bucket,
        null::bigint as row_group,
        null::bigint as filas,
        null::bigint as llanas,
        null::text as suma
    where false
{%- endmacro %}

{#
    Whether the proof reads the rows back and lets DuckDB hash both sides, which takes
    half the time of row_digest (TRASPASO_PROOF=rows). For what DuckDB's reader would not
    show there is sampled_digests.
#}
{% macro is_reading_back() -%}
    {{ return(is_attached() and env_var('TRASPASO_PROOF', '') == 'rows') }}
{%- endmacro %}

{#
    The legacy's rows as their documented types, `_key` beside them where it is asked for.

    rows     a relation of some of them; none: all
    grouped  whether `_row_group` is beside them, see row_group
#}
{% macro legacy_typed(node, with_key=true, rows=none, grouped=false) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {{ _typed(
        node, rows or legacy_relation(system, table),
        storable_text(base_key(system, table)) if with_key else none,
        row_group() if grouped else none
    ) }}
{%- endmacro %}

{# What the compat view shows, for the engine where it is. #}
{% macro shown_typed(node) -%}
        select
            *,
            {{ base_key(node.config.meta.system, node.config.meta.source_table) }} as _key
        from {{ node_relation(node) }}
{%- endmacro %}

{# The same, read back by DuckDB. #}
{% macro shown_read(node, with_key=true) -%}
    {%- set names = node.columns.values() | map(attribute='name') | list -%}
    {%- set key = base_key(node.config.meta.system, node.config.meta.source_table) -%}
    {{ _typed(
        node,
        from_server(
            'select ' ~ (names + [key ~ ' as _key'] if with_key else names) | join(', ')
            ~ ' from ' ~ node_relation(node)
        ) ~ ' as shown',
        '_key' if with_key else none
    ) }}
{%- endmacro %}

{#
    The documented columns of a relation where the models run; `_key` and `_row_group`,
    each an expression or none.
#}
{% macro _typed(node, relation, key, group=none) -%}
        select
            {% if key is not none %}{{ key }} as _key,{% endif %}
            {% if group is not none %}{{ group }} as _row_group,{% endif %}
            {%- for column in node.columns.values() %}
            {{ legacy_value(column.name, column.data_type) }} as {{ column.name }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
{%- endmacro %}

{# The digest of a row in the engine that runs the models. #}
{% macro model_digest(node) -%}
    {%- set columns = node.columns.values() | list -%}
    {{ duckdb_hash(columns) if is_reading_back() else row_digest(columns, 'typed') }}
{%- endmacro %}

{# DuckDB's own, of the columns of `typed`. #}
{% macro duckdb_hash(columns) -%}
        hash(
            {%- for column in columns -%}
            typed.{{ column.name }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        )
{%- endmacro %}

{# `offset 0`: PostgreSQL would work the digest out for each place that names it. #}
{% macro _sums(table, typed, digest, apart, grouped=false) -%}
    select
        '{{ table }}' as source_table,
        summed.bucket::integer as bucket,
        summed._row_group as row_group,
        count(*) as filas,
        count(*) filter (where not summed._is_apart) as llanas,
        {% if grouped -%}
        case
            when summed.bucket is null then cast(sum(summed._digest) as text)
            else cast(sum(summed._digest) filter (where not summed._is_apart) as text)
        end as suma
        {%- else -%}
        cast(sum(summed._digest) filter (where not summed._is_apart) as text) as suma
        {%- endif %}
    from (
        select
            digested._digest,
            digested._digest & 255 as bucket,
            digested._row_group,
            digested._is_apart
        from (
            select
                {{ digest }} as _digest,
                {{ 'typed._row_group' if grouped else 'null::bigint as _row_group' }},
                {% if apart is none -%}
                false
                {%- else -%}
                typed._key in (select apart.key from {{ apart }} as apart)
                {%- endif %} as _is_apart
            from ({{ typed }}) as typed
            offset 0
        ) as digested
    ) as summed
    group by {{ 'grouping sets ((summed.bucket), (summed._row_group))' if grouped else '2, 3' }}
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
