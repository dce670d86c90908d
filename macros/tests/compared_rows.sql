{#
    The round trip, row by row: each legacy row that was loaded beside the row that
    the compat view shows for it, by a hash of all their columns. A legacy value
    that the evidence lists as repaired counts as what the repair says is shown,
    if it still is what it was before.

    Rows meet by their key. Where the legacy has no unique key, the rows of one key
    meet in the order of their hashes: the two sides are equal as multisets. Rows that
    were written since the last load are left out, on both sides.

    node   the compat model, as in `graph`: its columns with the legacy's types, and
           meta.system, meta.source_table
    texts  whether to give each column's two texts as expected_1, shown_1, … too
    scope  relation (source_table, source_key) of the keys that alone are compared, be
           they written since or not; none: all
    legacy, shown  relations that hold some of the rows; none: all of them

    Columns: source_key, is_legacy, is_shown, differs. A row that stands on one side
    only has the other side's flag false.
#}
{% macro compared_rows(node, texts=false, scope=none, legacy=none, shown=none) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- set columns = node.columns.values() | list -%}
    select
        coalesce(
            expected.source_key,
            {% if key.order_by -%}
            regexp_replace(shown.row_key, '#1$', '')
            {%- else -%}
            shown.row_key
            {%- endif %}
        ) as source_key,
        expected.row_key is not null as is_legacy,
        shown.row_key is not null as is_shown,
        coalesce(expected.content <> shown.content, true) as differs
        {%- if texts %}
        {%- for column in columns %},
        expected.text_{{ loop.index }} as expected_{{ loop.index }},
        shown.text_{{ loop.index }} as shown_{{ loop.index }}
        {%- endfor %}
        {%- endif %}
    from (
        {{ _keyed_rows(key, columns if texts else []) }}
        from (
            {{ expected_rows(node, texts, scope, legacy) }}
        ) as hashed
    ) as expected
    full join (
        {{ _keyed_rows(key, columns if texts else []) }}
        from (
            {{ shown_rows(node, texts, scope, shown) }}
        ) as hashed
    ) as shown on expected.row_key = shown.row_key
{%- endmacro %}

{#
    The legacy rows that were loaded, as they must be shown: source_key, key_text, content.
    The arguments are those of compared_rows.
#}
{% macro expected_rows(node, texts=false, scope=none, legacy=none) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- set columns = node.columns.values() | list -%}
    select
        loaded.source_key,
        {{ _key_text(key, columns, 'loaded', 'repaired') }} as key_text,
        {{ row_hash(columns, 'loaded', 'repaired') }} as content
        {{- _texts(columns, 'loaded', 'repaired') if texts }}
    from (
        select
            *,
            {{ proved_key(system, table) }} as source_key,
            {{ base_key(system, table) }} as _base_key
        from {{ legacy or legacy_relation(system, table) }} as source
        {%- if scope is not none %}
        where {{ _is_in_keys(scope, system, table, 'source', as_list=true) }}
        {%- endif %}
    ) as loaded
    left join (
        select
            source_key,
            {{ json_object_of('column_name', 'before') }} as before,
            {{ json_object_of('column_name', 'shown') }} as shown
        from {{ evidence_relation('repairs') }}
        where
            system = '{{ system }}' and source_table = '{{ table }}'
            {%- if scope is not none %}
            and {{ base_of_key(system, table, 'source_key') }} in (
                select given.source_key from {{ scope }} as given
                where given.source_table = '{{ table }}'
            )
            {%- endif %}
        group by source_key
    ) as repaired on loaded.source_key = repaired.source_key
    where
        not exists (
            select 1
            from {{ evidence_relation('row_fates') }} as fate
            where
                fate.system = '{{ system }}'
                and fate.source_table = '{{ table }}'
                and fate.source_key = loaded.source_key
        )
        {%- if scope is none %}
        and not {{ is_pending(system, table, 'loaded._base_key') }}
        {%- endif %}
{%- endmacro %}

{# The rows that the compat view shows, in the same form. #}
{% macro shown_rows(node, texts=false, scope=none, shown=none) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- set columns = node.columns.values() | list -%}
    select
        null as source_key,
        {{ _key_text(key, columns, 'shown') }} as key_text,
        {{ row_hash(columns, 'shown') }} as content
        {{- _texts(columns, 'shown') if texts }}
    from (
        select
            *,
            {{ base_key(system, table) }} as _base_key
        from {{ shown or node_relation(node) }} as source
        {%- if scope is not none %}
        where {{ _is_in_keys(scope, system, table, 'source', as_list=true) }}
        {%- endif %}
    ) as shown
    {%- if scope is none %}
    where not {{ is_pending(system, table, 'shown._base_key') }}
    {%- endif %}
{%- endmacro %}

{% macro _texts(columns, alias, repaired=none) -%}
    {%- for column in columns %},
                {{ column_text(column, alias, repaired) }} as text_{{ loop.index }}
    {%- endfor -%}
{%- endmacro %}

{% macro _keyed_rows(key, columns) -%}
        select
            source_key,
            content,
            {%- for column in columns %}
            text_{{ loop.index }},
            {%- endfor %}
            {% if key.order_by -%}
            key_text || '#' || row_number() over (
                partition by key_text order by content
            )
            {%- else -%}
            key_text
            {%- endif %} as row_key
{%- endmacro %}

{% macro _key_text(key, columns, alias, repaired=none) -%}
    concat_ws(','
        {%- for name in key.columns %},
        coalesce({{ column_text(
            columns | selectattr('name', 'equalto', name) | first, alias, repaired
        ) }}, '')
        {%- endfor %}
    )
{%- endmacro %}

{#
    True of a row whose key a relation names; by the column itself where the key is one.

    as_list  as a list, so that the index of the column serves beneath any view
#}
{% macro _is_in_keys(scope, system, table, alias, as_list=false) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- set wanted = "select source_key{} from " ~ scope ~ " where source_table = '" ~ table ~ "'" -%}
    {%- if key.columns | length == 1 and not key.order_by -%}
        {%- set type = column_type(legacy_relation(system, table), key.columns[0]) -%}
        {{ alias }}.{{ key.columns[0] }} {{ '= any(array(' if as_list else 'in (' -}}
            {{ wanted.format('::' ~ type) }} and source_key <> ''
        {{- '))' if as_list else ')' }}
    {%- else -%}
        {{ base_key(system, table) }} in ({{ wanted.format('') }})
    {%- endif -%}
{%- endmacro %}
