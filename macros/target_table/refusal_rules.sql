{#
    What the contract would refuse, as `column:rule` with the SQL that is true of
    a refused candidate. The unique keys are not here: they hold between rows, see
    resolve_collisions.

    contract  see target_contract
    queried   names of the columns of the model's query; a column `raw__x` is the
              legacy value that became `x`

    Returns [{reason, violated}], violated over the columns of candidates().
#}
{% macro refusal_rules(contract, queried) -%}
    {{ return(row_rules(contract, queried) + parent_rules(contract)) }}
{%- endmacro %}

{# Those that a row alone is judged by. #}
{% macro row_rules(contract, queried) -%}
    {%- set rules = [] -%}
    {%- for needed in contract.requires -%}
        {%- do rules.append({
            'reason': needed.column ~ ':' ~ needed.rule,
            'violated': 'not coalesce(' ~ needed.expression ~ ', false)',
        }) -%}
    {%- endfor -%}
    {%- for column in contract.columns if column.name in queried -%}
        {%- set name = column.name -%}
        {%- set raw = 'raw__' ~ name -%}
        {%- set lost = name ~ ' is null and ' ~ raw ~ ' is not null' -%}
        {%- if raw in queried and column.repair in ['convert', 'phone_e164', 'none'] -%}
            {%- do rules.append({'reason': name ~ ':type', 'violated': lost}) -%}
        {%- endif -%}
        {%- if column.not_null -%}
            {%- do rules.append({
                'reason': name ~ ':not_null',
                'violated': name ~ ' is null'
                    ~ (' and ' ~ raw ~ ' is null' if raw in queried else ''),
            }) -%}
        {%- endif -%}
        {%- for held in unstorable(column) -%}
            {%- do rules.append({
                'reason': name ~ ':' ~ held.rule, 'violated': held.violated
            }) -%}
        {%- endfor -%}
        {%- if column.length is not none -%}
            {%- do rules.append({
                'reason': name ~ ':length',
                'violated': 'length(' ~ name ~ ') > ' ~ column.length,
            }) -%}
        {%- endif -%}
        {%- if column.precision is not none -%}
            {%- do rules.append({
                'reason': name ~ ':range',
                'violated': 'abs(round(' ~ name ~ ', ' ~ column.scale ~ ')) >= 1'
                    ~ '0' * (column.precision - column.scale),
            }) -%}
        {%- endif -%}
        {%- for check in column.checks -%}
            {%- do rules.append({
                'reason': name ~ ':check', 'violated': 'not (' ~ check.expression ~ ')'
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(rules) }}
{%- endmacro %}

{# Those that say that a foreign key's parent is missing. #}
{% macro parent_rules(contract) -%}
    {%- set rules = [] -%}
    {%- for key in contract.foreign_keys -%}
        {%- set filled = [] -%}
        {%- for name in key.columns -%}
            {%- do filled.append(name ~ ' is not null') -%}
        {%- endfor -%}
        {%- do rules.append({
            'reason': key.columns | join(',') ~ ':foreign_key',
            'violated': filled | join(' and ') ~ ' and ' ~ _parent(loop.index) ~ ' is null',
        }) -%}
    {%- endfor -%}
    {{ return(rules) }}
{%- endmacro %}
