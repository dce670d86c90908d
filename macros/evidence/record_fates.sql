{#
    Writes the fate of each legacy row that is not in the table to `row_fates`:
    the reasons of the contract, and the unique keys by which it meets a row that
    is. A row that meets one on keys of `merge_on` only was merged into it; so was any
    row of a table in `absorbs` that meets one on such a key, whatever else is wrong
    with it. Any other is quarantined. Rows of the evidence that are as they were stay
    untouched.

    relation  the table, loaded
    contract  see target_contract
    notable   see create_notable
    columns   the columns that were loaded
    scope     keys that alone were judged, see create_scope; none: all
#}
{% macro record_fates(relation, contract, notable, columns, scope=none) -%}
    {%- set fates = temporary_relation(contract.table ~ '__fates') -%}
    {%- do load_step('drop table if exists ' ~ fates) -%}
    {%- do load_step(_create_fates(fates, notable, relation, contract, columns)) -%}
    {%- do replace_evidence(
        'row_fates', fates, contract,
        key=['source_table', 'source_key'],
        values=['fate', 'reasons', 'target_key', 'row'],
        scope=scope
    ) -%}
    {%- do load_step('drop table ' ~ fates) -%}
{%- endmacro %}

{% macro _create_fates(fates, notable, relation, contract, columns) -%}
    {%- set meetings = [] -%}
    {%- for key in loaded_keys(contract, columns) -%}
        {%- set alias = 'met_' ~ loop.index -%}
        {%- do meetings.append({
            'alias': alias,
            'key': key,
            'merges': key in contract.merge_on,
            'reason': key | join(',') ~ ':unique',
            'violated': alias ~ '.' ~ contract.primary_key.columns[0] ~ ' is not null',
        }) -%}
    {%- endfor -%}
    {%- set absorbed -%}
        (
            refused._source_table in ('{{ (contract.absorbs or ['-']) | join("', '") }}')
            and (
                {%- for meeting in meetings if meeting.merges %}
                {{ 'or ' if not loop.first }}{{ meeting.violated }}
                {%- else %}
                false
                {%- endfor %}
            )
        )
    {%- endset -%}
create temporary table {{ fates }} as
select
    refused._source_table as source_table,
    refused._source_key as source_key,
    case
        when {{ absorbed }} then 'merged'
        when
            refused._admitted
            {%- for meeting in meetings if not meeting.merges %}
            and not {{ meeting.violated }}
            {%- endfor %}
            then 'merged'
        else 'quarantined'
    end as fate,
    case
        when {{ absorbed }} then {{ target_dispatch('refusal_reasons')(meetings) }}
        else refused._reasons || {{ target_dispatch('refusal_reasons')(meetings) }}
    end as reasons,
    coalesce(
        {%- for meeting in meetings %}
        {{ _row_key(contract, meeting.alias) }},
        {%- endfor %}
        null
    ) as target_key,
    refused._source_row as row
from {{ notable }} as refused
{%- for meeting in meetings %}
left join {{ relation }} as {{ meeting.alias }}
    on {{ _shares_key(meeting.key, meeting.alias, 'refused') }}
{%- endfor %}
where not refused._is_loaded
{%- endmacro %}

{% macro _row_key(contract, alias) -%}
    {%- for column in contract.primary_key.columns -%}
        {{ " || ',' || " if not loop.first }}{{ alias }}.{{ column }}::text
    {%- endfor -%}
{%- endmacro %}
