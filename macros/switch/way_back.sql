{#
    What the way back must do to a legacy table so that it holds what was written since
    the switch: a view

        <compat>.regreso_<table>   accion ('i', 'u', 'd'), fila (ctid of the legacy row),
                                   clave, and the table's columns as they must be

    over the keys in `traspaso.changes`. A value that the compat view shows as it showed
    the legacy's stays the legacy's, to the letter; one that was repaired when it was
    written comes back as it was written. A row that the evidence took in since then
    (merged, quarantined) comes back from there. A parent that no view shows, since only a
    Spanish table has it, is left out where the legacy can do without.

    node    the compat model, as in `graph`
    compat  schema of the compat views
#}
{% macro way_back(node, compat) -%}
    {%- set system = node.config.meta.system -%}
    {%- set table = node.config.meta.source_table -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- set columns = node.columns.values() | list -%}
    {%- set foreign_keys = {} -%}
    {%- for each in legacy_foreign_keys(system, table) if each.nullable -%}
        {%- do foreign_keys.update({each.column: each}) -%}
    {%- endfor -%}
    {%- set legacy = legacy_relation(system, table) | string | replace(adapter.quote(target.database) ~ '.', '') -%}
    {%- set pending -%}
        (
            select change.source_key from traspaso.changes as change
            where
                change.system = '{{ system }}' and change.source_table = '{{ table }}'
                and change.source_key is not null
        )
    {%- endset -%}
create view {{ adapter.quote(compat) }}.{{ adapter.quote('regreso_' ~ table) }} as
with seen as (
    select
        {%- for column in columns %}
        {%- set name = adapter.quote(column.name) %}
        {%- set key = foreign_keys.get(column.name) %}
        {%- if key %}
        (
            select parent.{{ adapter.quote(key.parent_column) }}
            from {{ adapter.quote(compat) }}.{{ adapter.quote(key.parent) }} as parent
            where parent.{{ adapter.quote(key.parent_column) }} = shown.{{ name }}
            limit 1
        ) as {{ name }},
        {%- else %}
        shown.{{ name }},
        {%- endif %}
        {%- endfor %}
        {{ base_key(system, table) }} as _key
    from {{ adapter.quote(compat) }}.{{ adapter.quote(table) }} as shown
    where {{ _is_written(system, table, 'shown', legacy, pending) }}
),

kept as (
    select
        fate.source_key,
        fate.row,
        coalesce(fate.recorded_at >= (
            select step.finished_at from traspaso.steps as step
            where step.system = '{{ system }}' and step.phase = 4 and step.step = 'phase'
        ), false) as is_new
    from traspaso.row_fates as fate
    where
        fate.system = '{{ system }}' and fate.source_table = '{{ table }}'
        and {{ base_of_key(system, table, 'fate.source_key') }} in {{ pending }}
        {%- if not key.order_by %}
        and not exists (select 1 from seen where seen._key = fate.source_key)
        {%- endif %}
),

-- What no view shows any more, since the evidence took it in, is as good as shown.
shown as (
    select * from seen
    union all
    select
        {%- for column in columns %}
        given.{{ adapter.quote(column.name) }},
        {%- endfor %}
        {{ base_of_key(system, table, 'kept.source_key') }}
    from kept
    cross join lateral jsonb_populate_record(
        null::{{ adapter.quote(compat) }}.{{ adapter.quote(table) }}, kept.row
    ) as given
    where kept.is_new
),

{%- if key.order_by %}

-- Of a row whose key was repaired, the key that the view shows.
rekeyed as (
    select
        {{ base_of_key(system, table, 'source_key') }} as base,
        {{ json_object_of('column_name', 'shown') }} as shown
    from traspaso.repairs
    where
        system = '{{ system }}' and source_table = '{{ table }}'
        and column_name in ('{{ key.columns | join("', '") }}')
    group by 1
),
{%- endif %}

numbered as (
    select
        source.*,
        source.ctid as _row,
        {%- if key.order_by %}
        {%- set shown_key = [] %}
        {%- for name in key.columns %}
            {%- do shown_key.append(
                "coalesce(rekeyed.shown ->> '" ~ name ~ "', source." ~ adapter.quote(name) ~ '::text)'
            ) %}
        {%- endfor %}
        {{ row_key(shown_key) }} as _key,
        {%- else %}
        {{ base_key(system, table) }} as _key,
        {%- endif %}
        {{ source_key(system, table) }} as _source_key
    from {{ legacy }} as source
    {%- if key.order_by %}
    left join rekeyed on rekeyed.base = {{ base_key(system, table) }}
    {%- else %}
    where {{ _is_written(system, table, 'source', legacy, pending) }}
    {%- endif %}
),

repaired as (
    select
        source_key as _source_key,
        {{ json_object_of('column_name', 'before') }} as before,
        {{ json_object_of('column_name', 'shown') }} as shown,
        -- those that were noted since the switch, by a write
        {{ json_object_of('column_name', 'before') }} filter (where run_id = '') as written
    from traspaso.repairs
    where
        system = '{{ system }}' and source_table = '{{ table }}'
        and {{ base_of_key(system, table, 'source_key') }} in {{ pending }}
    group by 1
),

{%- if key.order_by %}

-- Several rows may have one key: those that are equal belong together, then any two.
shown_rows as (
    select
        *,
        row_number() over (partition by _key, _content) as _nth
    from (select shown.*, {{ row_hash(columns, 'shown') }} as _content from shown) as hashed
),

loaded_rows as (
    select
        *,
        row_number() over (partition by _key, _content) as _nth
    from (
        select numbered.*, {{ row_hash(columns, 'numbered', 'repaired') }} as _content
        from numbered
        left join repaired on numbered._source_key = repaired._source_key
        where
            numbered._key in {{ pending }}
            and not exists (select 1 from kept where kept.source_key = numbered._source_key and not kept.is_new)
    ) as hashed
),

shown_left as (
    select
        shown_rows.*,
        row_number() over (partition by _key order by _content, _nth) as _pair
    from shown_rows
    where not exists (
        select 1 from loaded_rows as same
        where same._key = shown_rows._key and same._content = shown_rows._content and same._nth = shown_rows._nth
    )
),

loaded_left as (
    select
        loaded_rows.*,
        row_number() over (partition by _key order by _content, _nth) as _pair
    from loaded_rows
    where not exists (
        select 1 from shown_rows as same
        where same._key = loaded_rows._key and same._content = loaded_rows._content and same._nth = loaded_rows._nth
    )
),
{%- else %}

shown_left as (
    select shown.*, 1 as _pair from shown
),

loaded_left as (
    select numbered.*, 1 as _pair from numbered
    where not exists (select 1 from kept where kept.source_key = numbered._source_key and not kept.is_new)
),
{%- endif %}

wanted as (
    select
        loaded._row,
        coalesce(shown._key, loaded._key) as _key,
        shown._key is not null as _is_shown,
        loaded._key is not null as _is_there,
        {%- for column in columns %}
        {%- set name = adapter.quote(column.name) %}
        {%- set now = canonical_text('shown.' ~ name, column.data_type) %}
        {%- set member = json_member('repaired.shown', column.name) %}
        {%- if column.data_type.startswith('json') -%}
            {%- set member = canonical_text(member, column.data_type) -%}
        {%- endif %}
        case
            when
                {{ has_json_member('repaired.written', column.name) }}
                and {{ member }} is not distinct from {{ now }}
                then ({{ json_member('repaired.written', column.name) }})::{{ column_type(legacy, column.name) }}
            when
                loaded._key is not null
                and {{ column_text(column, 'loaded', 'repaired') }} is not distinct from {{ now }}
                then loaded.{{ name }}
            when
                {{ has_json_member('repaired.before', column.name) }}
                and {{ member }} is not distinct from {{ now }}
                then ({{ json_member('repaired.before', column.name) }})::{{ column_type(legacy, column.name) }}
            else shown.{{ name }}
        end as {{ name }},
        loaded.{{ name }} as {{ adapter.quote('_old_' ~ loop.index) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from shown_left as shown
    full join loaded_left as loaded on shown._key = loaded._key and shown._pair = loaded._pair
    left join repaired on repaired._source_key = coalesce(loaded._source_key, shown._key)
)

select
    case when not _is_shown then 'd' when not _is_there then 'i' else 'u' end as accion,
    _row as fila,
    _key as clave,
    {%- for column in columns %}
    {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- endfor %}
from wanted
where
    not (_is_shown and _is_there)
    {%- for column in columns %}
    or {{ adapter.quote(column.name) }} is distinct from {{ adapter.quote('_old_' ~ loop.index) }}
    {%- endfor %}
{%- endmacro %}

{# True of a row whose key was written; by the column itself where the key is one. #}
{% macro _is_written(system, table, alias, legacy, pending) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {%- if key.columns | length == 1 and not key.order_by -%}
        {{ alias }}.{{ key.columns[0] }} in (
            select written.source_key::{{ column_type(legacy, key.columns[0]) }}
            from {{ pending }} as written
            where written.source_key <> ''
        )
    {%- else -%}
        {{ base_key(system, table) }} in {{ pending }}
    {%- endif -%}
{%- endmacro %}
