{#
    Brings a filled table to what `loaded` holds: deletes, updates and inserts the
    rows that differ, and touches no other.

    relation  the table
    loaded    relation of the same columns, no two rows of one key
    contract  see target_contract
    columns   the columns that are loaded
    within    those rows of the table that `loaded` stands for; none: all of them

    Returns the number of rows touched.
#}
{% macro apply_delta(relation, loaded, contract, columns, within=none) -%}
    {%- set rest = columns | reject('in', contract.load_key) | list -%}
    {%- set now = keyed(within or relation, contract, columns) -%}
    {%- set then = keyed(loaded, contract, columns) -%}
    {%- set rows = namespace(changed=0) -%}

    {%- set gone = 'from ' ~ relation ~ ' where (' ~ _identity(contract) ~ ') in (select '
        ~ _identity(contract) ~ ' from (select now.* from ' ~ now ~ ' as now where not exists'
        ~ ' (select 1 from ' ~ then ~ ' as later where later._key = now._key)) as gone)' -%}
    {%- set paired -%}
        from {{ now }} as now
        inner join {{ then }} as later on later._key = now._key
        where {{ _any_differs(rest) }}
    {%- endset -%}
    {%- set missing = 'from ' ~ then ~ ' as later where not exists (select 1 from ' ~ now
        ~ ' as now where now._key = later._key)' -%}

    {%- set deleted = load_step('select count(*) ' ~ gone).rows[0][0] | int -%}
    {%- set updated = load_step('select count(*) ' ~ paired).rows[0][0] | int -%}
    {%- set inserted = load_step('select count(*) ' ~ missing).rows[0][0] | int -%}

    {%- if deleted > 0 -%}
        {%- do release_children(relation, gone) -%}
        {%- do load_step('delete ' ~ gone) -%}
    {%- endif -%}
    {%- if updated > 0 -%}
        {%- do _update_differing(relation, contract, rest, paired) -%}
    {%- endif -%}
    {%- if inserted > 0 -%}
        {%- do load_step(
            'insert into ' ~ relation ~ ' (' ~ columns | join(', ') ~ ') select '
            ~ columns | join(', ') ~ ' ' ~ missing
        ) -%}
    {%- endif -%}
    {{ return(deleted + updated + inserted) }}
{%- endmacro %}

{# True of a pair of rows that differ in one of the columns at least. #}
{% macro _any_differs(columns) -%}
    (
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}now.{{ column }} is distinct from later.{{ column }}
        {%- else %}
        false
        {%- endfor %}
    )
{%- endmacro %}

{% macro _identity(contract) -%}
    {{- contract.primary_key.columns | join(', ') -}}
{%- endmacro %}

{#
    PostgreSQL checks a unique key row by row: two rows that swap their values
    would meet. Keys whose values change are put aside for the update.
#}
{% macro _update_differing(relation, contract, rest, paired) -%}
    {{ return(target_dispatch('_update_differing')(
        relation, contract, rest, paired
    )) }}
{%- endmacro %}

{% macro _update_statement(relation, contract, rest, paired) -%}
    update {{ relation }} as final
    set
        {% for column in rest -%}
            {{ column }} = changed.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            {% for column in contract.primary_key.columns -%}
                now.{{ column }} as _now_{{ column }},
            {% endfor -%}
            later.*
        {{ paired }}
    ) as changed
    where
        {% for column in contract.primary_key.columns -%}
            {{ 'and ' if not loop.first }}final.{{ column }} = changed._now_{{ column }}
        {% endfor %}
{%- endmacro %}

{% macro default___update_differing(relation, contract, rest, paired) -%}
    {%- do load_step(_update_statement(relation, contract, rest, paired)) -%}
{%- endmacro %}

{% macro postgres___update_differing(relation, contract, rest, paired) -%}
    {%- set aside = [] -%}
    {%- for key in contract.uniques -%}
        {%- set moved = key.columns | select('in', rest) | list -%}
        {#- counted: for the first pair alone the planner would go through all pairs of rows -#}
        {%- if moved and load_step(
            'select count(*) ' ~ paired ~ ' and ' ~ _any_differs(moved)
        ).rows[0][0] > 0 -%}
            {%- do aside.append(key) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in aside -%}
        {%- do load_step('alter table ' ~ relation ~ ' drop constraint ' ~ key.name) -%}
    {%- endfor -%}
    {%- do load_step(_update_statement(relation, contract, rest, paired)) -%}
    {%- for key in aside -%}
        {%- do load_step('alter table ' ~ relation ~ ' add ' ~ key_definition(contract, key)) -%}
    {%- endfor -%}
{%- endmacro %}
