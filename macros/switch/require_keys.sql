{# Refuses a row whose unique or foreign keys do not hold, by its English columns. #}
{% macro _require_keys(contract, table, written, is_update) -%}
    {%- set uniques = [contract.primary_key] + contract.uniques -%}
    {%- for key in uniques if key.columns | reject('in', written) | list == [] %}
            if
                {%- if is_update %}
                ({{ _fields('vieja', key.columns) }}) is distinct from ({{ _fields('nueva', key.columns) }}) and
                {%- endif %}
                exists (
                    select 1 from {{ final_relation(contract) }} as final
                    where
                        {%- for name in key.columns %}
                        {{ 'and ' if not loop.first }}final.{{ adapter.quote(name) }} = nueva.{{ adapter.quote(name) }}
                        {%- endfor %}
                        {%- if not is_update and contract.absorbs and table not in contract.absorbs %}
                        and not ({{ _same_key(contract, 'final', 'nueva') }} and habia)
                        {%- endif %}
                )
            then
                perform traspaso.refuse_row('{{ table }}', array['{{ _english_columns(contract, key.columns, table) }}:unique']);
            end if;
    {%- endfor %}
    {%- for key in contract.foreign_keys if key.columns | reject('in', written) | list == [] %}
    {%- set parent = foreign_relation_of(key) %}
            if
                {%- if is_update %}
                ({{ _fields('vieja', key.columns) }}) is distinct from ({{ _fields('nueva', key.columns) }}) and
                {%- endif %}
                {%- for name in key.columns %}
                nueva.{{ adapter.quote(name) }} is not null and
                {%- endfor %}
                not exists (
                    select 1 from {{ parent }} as parent
                    where
                        {%- for name in key.columns %}
                        {{ 'and ' if not loop.first }}parent.{{ adapter.quote(key.to_columns[loop.index0]) }} = nueva.{{ adapter.quote(name) }}
                        {%- endfor %}
                )
            then
                perform traspaso.refuse_row('{{ table }}', array['{{ _english_columns(contract, key.columns, table) }}:foreign_key']);
            end if;
    {%- endfor %}
{%- endmacro %}

{#
    Refuses a row whose parent no legacy table has, though a final one may: the legacy would
    not take it on the way back. A parent that is in the evidence the legacy has.
#}
{% macro _require_legacy_parents(system, table, compat) -%}
    {%- for key in legacy_foreign_keys(system, table) %}
    {%- set name = adapter.quote(key.column) %}
    if tg_op <> 'DELETE' then
        if
            new.{{ name }} is not null
            and (tg_op = 'INSERT' or new.{{ name }} is distinct from old.{{ name }})
            and not exists (
                select 1 from {{ adapter.quote(compat) }}.{{ adapter.quote(key.parent) }} as parent
                where parent.{{ adapter.quote(key.parent_column) }} = new.{{ name }}
            )
            and not exists (
                select 1 from traspaso.row_fates as fate
                where
                    fate.system = '{{ system }}' and fate.source_table = '{{ key.parent }}'
                    and fate.source_key = new.{{ name }}::text
            )
        then
            perform traspaso.refuse_row('{{ table }}', array['{{ key.column }}:foreign_key']);
        end if;
    end if;
    {%- endfor %}
{%- endmacro %}

{% macro _english_columns(contract, names, table) -%}
    {%- set found = [] -%}
    {%- for name in names -%}
        {%- do found.append(english_column(contract, name, table)) -%}
    {%- endfor -%}
    {{ return(found | join(',')) }}
{%- endmacro %}

{% macro foreign_relation_of(key) -%}
    {%- set relation = _foreign_relation(key.to) if key.to is string else key.to -%}
    {{ return(adapter.quote(relation.schema) ~ '.' ~ adapter.quote(relation.identifier)) }}
{%- endmacro %}
