{#
    A function that gives the rows of a final table for rows of a compat view, by the
    model's own query, and why the contract would refuse them:

        <compat>.<table>_a_<target>(<compat>.<table>[])
            returns table (<columns of the target>, motivos text[])

    A reason is 'column:rule' with the English column, then the target's rule in words.
    Of foreign keys and unique keys it knows nothing.

    contract  see target_contract
    table     legacy table
    sql       the model's compiled query
    compat    schema of the compat views
    queried   columns of the query
#}
{% macro mapping_function(contract, table, sql, compat, queried) -%}
    {%- set columns = written_columns(contract, queried) -%}
    {%- set rules = [] -%}
    {%- for rule in refusal_rules(contract, queried)
        if not rule.reason.endswith(':foreign_key') -%}
        {%- set parts = rule.reason.split(':') -%}
        {%- do rules.append({
            'violated': rule.violated,
            'reason': (
                english_column(contract, parts[0], table) ~ ':' ~ parts[1] ~ ' '
                ~ rule_in_words(contract, parts[0], parts[1])
            ) | trim | replace("'", "''"),
        }) -%}
    {%- endfor -%}
create function {{ mapping_name(contract, table, compat) }}(
    filas {{ adapter.quote(compat) }}.{{ adapter.quote(table) }}[]
)
returns table (
    {%- for column in columns %}
    {{ adapter.quote(column.name) }} {{ _any_size(column.type) }},
    {%- endfor %}
    motivos text[]
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $traspaso$
#variable_conflict use_column
begin
    return query
    select
        {%- for column in columns %}
        offered.{{ adapter.quote(column.name) }}::{{ _any_size(column.type) }},
        {%- endfor %}
        {{ refusal_reasons(rules) if rules else "'{}'::text[]" }}
    from (
        {{ mapped_rows(contract, table, sql, compat) }}
    ) as offered;
end
$traspaso$
{%- endmacro %}

{% macro mapping_name(contract, table, compat) -%}
    {{ return(
        adapter.quote(compat) ~ '.' ~ adapter.quote(table ~ '_a_' ~ contract.table)
    ) }}
{%- endmacro %}

{# The columns that the model's query fills. #}
{% macro written_columns(contract, queried) -%}
    {{ return(contract.columns | selectattr('name', 'in', queried) | list) }}
{%- endmacro %}

{# The English name of a final column, where it has one in that legacy table. #}
{% macro english_column(contract, name, table) -%}
    {%- set found = contract.columns | selectattr('name', 'equalto', name) | list -%}
    {%- if not found -%}
        {{ return(name) }}
    {%- endif -%}
    {%- set source = found[0].source -%}
    {{ return((source.get(table) if source is mapping else source) or name) }}
{%- endmacro %}

{# What a rule asks of a column, for the message of an error. #}
{% macro rule_in_words(contract, name, rule) -%}
    {%- set found = contract.columns | selectattr('name', 'equalto', name) | list -%}
    {%- if not found -%}
        {{ return('') }}
    {%- endif -%}
    {%- set column = found[0] -%}
    {%- if rule == 'length' -%}
        {{ return('(at most ' ~ column.length ~ ' characters)') }}
    {%- elif rule == 'range' -%}
        {{ return('(numeric(' ~ column.precision ~ ', ' ~ column.scale ~ '))') }}
    {%- elif rule == 'check' and column.checks -%}
        {{ return('(' ~ column.checks | map(attribute='expression') | join(' and ') ~ ')') }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{# A type without its size: what is too long must be seen, not cut. #}
{% macro _any_size(type) -%}
    {{ return(modules.re.sub('\\s*\\(.*\\)', '', type)) }}
{%- endmacro %}
