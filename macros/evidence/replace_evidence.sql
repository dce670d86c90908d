{#
    Puts the evidence of one target table in place of what was there. Rows that say
    the same as before keep their run and their time.

    name      `row_fates` or `repairs`
    found     relation with the columns of `key` and `values`
    contract  see target_contract
    key       columns that tell the rows of one target table apart
    values    the other columns
    scope     keys that alone are replaced, see create_scope; none: all
#}
{% macro replace_evidence(name, found, contract, key, values, scope=none) -%}
    {%- set evidence = evidence_relation(name) -%}
    {%- set of_table -%}
        system = '{{ contract.system }}' and target_table = '{{ contract.table }}'
    {%- endset -%}
    {%- set within -%}
        {%- if scope is not none %} and (
            old.source_table, {{ without_ordinal('old.source_key') }}
        ) in (select source_table, source_key from {{ scope }})
        {%- endif -%}
    {%- endset -%}
    {%- do load_step(
        'delete from ' ~ evidence ~ ' as old where ' ~ of_table ~ within
        ~ ' and not exists (select 1 from ' ~ found ~ ' as new where '
        ~ _same_columns(key, 'new', 'old', '=') ~ ' and '
        ~ _same_columns(values, 'new', 'old', 'is not distinct from') ~ ')'
    ) -%}
    {%- set columns = (key + values) | join(', ') -%}
    {%- do load_step(
        'insert into ' ~ evidence ~ ' (system, target_table, run_id, recorded_at, '
        ~ columns ~ ") select '" ~ contract.system ~ "', '" ~ contract.table ~ "', '"
        ~ (env_var('TRASPASO_RUN_ID', '') or invocation_id) ~ "', current_timestamp, " ~ columns ~ ' from '
        ~ found ~ ' as new where not exists (select 1 from ' ~ evidence
        ~ ' as old where ' ~ of_table ~ ' and '
        ~ _same_columns(key, 'new', 'old', '=') ~ ')'
    ) -%}
{%- endmacro %}

{% macro _same_columns(columns, one, other, operator) -%}
    {%- for column in columns -%}
        {{ ' and ' if not loop.first -}}
        {{ one }}.{{ column }} {{ operator }} {{ other }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}
