{#
    Makes the partitions that a table still lacks: one for each month (or year) between the
    first and the last of its rows, as far as no more than five empty years lie between
    them. Rows beyond such a gap are outliers, a date of the year 1900: they stay in the
    default partition, `<table>_resto`, so that no date asks for thousands of partitions.

    relation  the table
    contract  see target_contract; its `partition` says how the table is partitioned
    sql       the model's query; none: what the legacy tables themselves say
#}
{% macro extend_partitions(relation, contract, sql) -%}
    {%- if contract.partition.every is not none -%}
        {%- set span = _rows_span(contract, sql) -%}
        {%- if span is not none -%}
            {%- do _require_few(relation, contract, span) -%}
            {%- do target_dispatch('add_partitions')(relation, contract, span) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__add_partitions(relation, contract, span) -%}{%- endmacro %}

{# In the load's transaction, and after its locks: see lock_for_load. #}
{% macro postgres__add_partitions(relation, contract, span) -%}
    {%- set tables = wait_for_loads(relation) -%}
    {%- if load_step(_partitions_call('lacks_partitions', relation, contract, span)).rows[0][0] -%}
        {%- do lock_strongly(tables) -%}
        {%- do load_step(_partitions_call('add_partitions', relation, contract, span)) -%}
    {%- endif -%}
{%- endmacro %}

{# Committed at once: the load begins by looking at the table in a session of its own. #}
{% macro attached__add_partitions(relation, contract, span) -%}
    {%- do load_step(_partitions_call('add_partitions', relation, contract, span)) -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro _partitions_call(name, relation, contract, span) -%}
    select traspaso.{{ name }}(
        '{{ relation }}'::regclass, '{{ span[0] }}'::date, '{{ span[1] }}'::date,
        '{{ contract.partition.every }}'
    ) as made
{%- endmacro %}

{#
    First and last period of the rows, as text; none where there are no rows. Of runs of
    periods that are further apart than five years, that which has most rows.
#}
{% macro _rows_span(contract, sql) -%}
    {%- set dates = [] -%}
    {%- if sql is not none -%}
        {%- do dates.append(
            'select cast(' ~ contract.partition.column ~ ' as date) as day from (' ~ sql
            ~ ') as offered'
        ) -%}
    {%- else -%}
        {%- for table in contract.sources -%}
            {%- set column = _partition_source(contract, table) -%}
            {%- set legacy = legacy_relation(contract.system, table) -%}
            {%- if column and adapter.get_relation(
                database=legacy.database, schema=legacy.schema, identifier=legacy.identifier
            ) is not none -%}
                {%- do dates.append(
                    'select ' ~ legacy_value(column, 'date') ~ ' as day from ' ~ legacy
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if dates == [] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = model_step(_span_query(
        dates | join(' union all '), contract.partition.every
    ), fetch=true).rows -%}
    {%- if found | length == 0 -%}
        {{ return(none) }}
    {%- endif -%}
    {#- no text of the server's: how that looks, its DateStyle says -#}
    {{ return([
        '%04d-%02d-01' % (found[0][0], found[0][1]), '%04d-%02d-01' % (found[0][2], found[0][3])
    ]) }}
{%- endmacro %}

{# The legacy column that becomes the one by which the table is partitioned. #}
{% macro _partition_source(contract, table) -%}
    {%- set column = (
        contract.columns | selectattr('name', 'equalto', contract.partition.column) | list
    )[0] -%}
    {{ return(
        column.source.get(table) if column.source is mapping else column.source
    ) }}
{%- endmacro %}

{# The same in DuckDB and PostgreSQL. Dates of other millennia are outliers, whatever. #}
{% macro _span_query(dates, every) -%}
with periods as (
    select
        cast(date_trunc('{{ every }}', day) as date) as period,
        count(*) as found
    from ({{ dates }}) as dates
    where day between date '1000-01-01' and date '3000-12-31'
    group by 1
),

neighbours as (
    select
        *,
        lag(period) over (order by period) as previous
    from periods
),

runs as (
    select
        *,
        sum(
            case when period > previous + interval '5 years' then 1 else 0 end
        ) over (order by period) as run
    from neighbours
)

select
    cast(extract(year from min(period)) as integer) as first_year,
    cast(extract(month from min(period)) as integer) as first_month,
    cast(extract(year from max(period)) as integer) as last_year,
    cast(extract(month from max(period)) as integer) as last_month
from runs
group by run
order by sum(found) desc, run desc
limit 1
{%- endmacro %}

{# Each takes locks of its own: the server has some 6400 for all of its sessions. #}
{% macro _require_few(relation, contract, span) -%}
    {%- set years = (span[1][:4] | int) - (span[0][:4] | int) + 1 -%}
    {%- set parts = years * 12 if contract.partition.every == 'month' else years -%}
    {%- if parts > 400 -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ relation ~ " would have some " ~ parts ~ " partitions, one for "
            ~ "each " ~ contract.partition.every ~ " from " ~ span[0] ~ " to " ~ span[1]
            ~ "; 400 are the most. Partition it by year in its partition_by, or correct the "
            ~ "dates in the legacy."
        ) }}
    {%- endif -%}
{%- endmacro %}
