{# What the functions of the switch say of rows and keys: lists of columns, conditions. #}

{# The final table of a contract. #}
{% macro final_relation(contract) -%}
    {%- set relation = _target_of(contract) -%}
    {{ return(adapter.quote(relation.schema) ~ '.' ~ adapter.quote(relation.identifier)) }}
{%- endmacro %}

{% macro _quoted(names) -%}
    {%- for name in names -%}{{ ', ' if not loop.first }}{{ adapter.quote(name) }}{%- endfor -%}
{%- endmacro %}

{% macro _fields(alias, names) -%}
    {%- for name in names -%}
        {{ ', ' if not loop.first }}{{ alias }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{% macro _row_of(alias, columns, compat, table) -%}
    row({{ _fields(alias, columns) }})::{{ adapter.quote(compat) }}.{{ adapter.quote(table) }}
{%- endmacro %}

{% macro _same_key(contract, one, other) -%}
    {%- for name in contract.load_key -%}
        {{ ' and ' if not loop.first }}{{ one }}.{{ adapter.quote(name) }} = {{ other }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{# The row of the final table that `vieja` was. #}
{% macro _old_row(contract) -%}
    {%- if contract.load_key == contract.primary_key.columns -%}
        {{ _same_key(contract, 'final', 'vieja') }}
    {%- else -%}
        {%- for name in contract.primary_key.columns -%}
            {{ ' and ' if not loop.first }}final.{{ adapter.quote(name) }} = lugar.{{ adapter.quote(name) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
    Finds the old row by the key that the models know it by; where that has a hole, and
    so is no key, any row that is equal.
#}
{% macro _find_old(contract, written) -%}
        if
            {%- for name in contract.load_key %}
            {{ 'or ' if not loop.first }}vieja.{{ adapter.quote(name) }} is null
            {%- endfor %}
        then
            select {{ _quoted(contract.primary_key.columns) }} into lugar
            from {{ final_relation(contract) }} as final
            where
                {%- for name in written %}
                {{ 'and ' if not loop.first }}final.{{ adapter.quote(name) }} is not distinct from vieja.{{ adapter.quote(name) }}
                {%- endfor %}
            limit 1;
        else
            select {{ _quoted(contract.primary_key.columns) }} into lugar
            from {{ final_relation(contract) }} as final
            where {{ _same_key(contract, 'final', 'vieja') }};
        end if;
{%- endmacro %}

{# The legacy key of a mapped row, as `source_key` has it. #}
{% macro _key_of(contract, alias) -%}
    {%- set names = [] -%}
    {%- for name in contract.load_key -%}
        {%- do names.append(alias ~ '.' ~ adapter.quote(name)) -%}
    {%- endfor -%}
    {{ row_key(names) }}
{%- endmacro %}

{# The row of the compat view that stands for a mapped row. #}
{% macro _shown_key(contract, table, mapped='nueva') -%}
    {%- for name in contract.load_key -%}
        {{ ' and ' if not loop.first }}shown.{{ adapter.quote(english_column(contract, name, table)) }} = {{ mapped }}.{{ adapter.quote(name) }}
    {%- endfor -%}
{%- endmacro %}

{#
    The value that an update leaves in a column. Who counts up from a number that somebody
    else has changed since must be told: the count would be lost, be the two counts equal or
    not. A row that one statement meets twice was changed by nobody else.
#}
{% macro _changed(column, table, contract) -%}
    {%- set name = adapter.quote(column.name) -%}
    {%- set now = 'nueva.' ~ name -%}
    {%- if column.type == 'jsonb' -%}
        {%- set now = 'traspaso.merged_json(final.' ~ name ~ ', vieja.' ~ name ~ ', nueva.' ~ name ~ ')' -%}
    {%- elif column.type in ['integer', 'bigint', 'smallint'] or column.precision is not none -%}
        {%- set now = "case when final." ~ name ~ " is distinct from vieja." ~ name
            ~ " and final.xmin <> pg_catalog.pg_current_xact_id()::xid"
            ~ " then traspaso.concurrent_write('" ~ table ~ "', '"
            ~ english_column(contract, column.name, table) ~ "', nueva." ~ name ~ ") else nueva." ~ name ~ " end" -%}
    {%- endif -%}
    case when vieja.{{ name }} is distinct from nueva.{{ name }} then {{ now }} else final.{{ name }} end
{%- endmacro %}
