{#
    The model's query on the legacy rows of some keys only, with `_source_key` in full:
    where rows share a key, numbered. The legacy rows are copied, so that they are read
    once, and the staging view's text is put in the view's place.

    work  see attached__load_target_table
#}
{% macro judged_query(work) -%}
    {%- set contract = work.contract -%}
    {%- set source = contract.sources[0] -%}
    {%- set key = var('legacy_keys')[contract.system][source] -%}
    {%- set rows = _apart(contract, 'rows') -%}
    {%- do model_step(
        'create or replace temporary table ' ~ rows ~ ' as select * from '
        ~ legacy_relation(contract.system, source) ~ ' where '
        ~ storable_text(base_key(contract.system, source)) ~ ' in (select '
        ~ storable_text('key') ~ ' from ' ~ _apart(contract, 'keys') ~ ')'
    ) -%}
    {{ return(_query_of(
        work, rows, [[_ordinal_mark(), ' || ' ~ row_ordinal(key.columns, key.order_by)]]
    )) }}
{%- endmacro %}

{#
    Makes the temporary table of the legacy keys that are judged apart: rows that were
    kept back, rows whose values were repaired, and rows that share a unique key.

    is_short      whether rows were kept back
    is_colliding  whether rows of the table share a key
    always        whether the table is wanted though there can be no such row

    Returns whether there is the table.
#}
{% macro _collect_keys(work, table, is_short, is_colliding, always=false) -%}
    {%- set contract = work.contract -%}
    {%- set keys = _apart(contract, 'keys') -%}
    {%- set asked = [] -%}
    {%- if is_short -%}
        {%- do asked.append('not (' ~ is_valid(work.rules) ~ ')') -%}
    {%- endif -%}
    {%- for column in repairable_columns(contract, work.queried) -%}
        {%- do asked.append('(' ~ is_repaired(contract, column, work.queried) ~ ')') -%}
    {%- endfor -%}
    {%- if not (asked or is_colliding or always) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- do model_step('create or replace temporary table ' ~ keys ~ ' (key text)') -%}
    {%- if asked -%}
        {%- do model_step(
            'insert into ' ~ keys ~ ' select distinct ' ~ row_key(contract.load_key)
            ~ ' from (' ~ work.sql ~ ') as candidate where ' ~ asked | join(' or ')
        ) -%}
    {%- endif -%}
    {%- if is_colliding -%}
        {%- for key in loaded_keys(contract, work.columns) -%}
            {%- do _add_keys(contract,
                'select ' ~ row_key(contract.load_key) ~ ' as key from ' ~ table
                ~ ' where (' ~ key | join(', ') ~ ') in (' ~ _repeated_keys(table, key) ~ ')'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(true) }}
{%- endmacro %}

{# Adds those of the rows whose foreign keys have no parent. #}
{% macro _collect_orphans(work, table) -%}
    {%- set asked = [] -%}
    {%- for rule in parent_rules(work.contract) -%}
        {%- do asked.append('(' ~ rule.violated ~ ')') -%}
    {%- endfor -%}
    {%- if asked -%}
        {%- do _add_keys(work.contract,
            'select ' ~ row_key(work.contract.load_key) ~ ' as key from '
            ~ candidates_sql(work.contract, table) ~ ' as candidate where '
            ~ asked | join(' or ')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Keys that PostgreSQL finds. #}
{% macro _add_keys(contract, query) -%}
    {%- do model_step(
        'insert into ' ~ _apart(contract, 'keys') ~ ' select key from ' ~ from_server(query)
    ) -%}
{%- endmacro %}
