{#
    What of a final table's written rows has no English form, and would be lost on the way
    back: a view

        <compat>.aparte_<target>   clave (the primary key), fuente, motivos
                             ('column:no_english_form'), fila

    over the keys in `traspaso.changes`, once the legacy tables hold what was written: their
    rows, mapped forward again, are others. Of a column that no legacy column fills, what is
    not its default.

    contract  see target_contract
    queried   columns of the model's query
    compat    schema of the compat views
    columns   {legacy table: its view's columns, in their order}
#}
{% macro kept_aside(contract, queried, compat, columns) -%}
    {%- set written = written_columns(contract, queried) | map(attribute='name') | list -%}
    {%- set rules = [] -%}
    {%- for column in contract.columns -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- if column.name in written -%}
            {%- do rules.append({
                'reason': column.name ~ ':no_english_form',
                'violated': 'final.' ~ name ~ ' is distinct from mapped.' ~ name
                    ~ ('' if column.precision is none
                        else '::numeric(' ~ column.precision ~ ', ' ~ column.scale ~ ')'),
            }) -%}
        {%- elif not column.serial -%}
            {%- do rules.append({
                'reason': column.name ~ ':no_english_form',
                'violated': 'final.' ~ name ~ ' is distinct from ('
                    ~ (column.default or 'null') ~ ')::' ~ column.type,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
create view {{ adapter.quote(compat) }}.{{ adapter.quote('aparte_' ~ contract.table) }} as
select
    judged.clave,
    judged.fuente,
    judged.motivos,
    judged.fila
from (
    -- where a key is not unique, each row beside the one that is most like it
    select distinct on ({{ _row_key(contract, 'final') }})
        {{ _row_key(contract, 'final') }} as clave,
        coalesce(mapped.fuente, '{{ contract.sources[0] }}') as fuente,
        reasons.motivos,
        to_jsonb(final.*) as fila
    from {{ final_relation(contract) }} as final
    left join (
        {%- for table in contract.sources %}
        {{ 'union all' if not loop.first }}
        select
            '{{ table }}' as fuente,
            english.*
        from (
            select array_agg({{ _row_of('legacy', columns[table], compat, table) }}) as filas
            from {{ legacy_relation(contract.system, table) }} as legacy
            where {{ base_key(contract.system, table) }} in (
                select change.source_key from traspaso.changes as change
                where change.system = '{{ contract.system }}' and change.source_table = '{{ table }}'
            )
        ) as gathered
        cross join lateral {{ mapping_name(contract, table, compat) }}(gathered.filas) as english
        {%- endfor %}
    ) as mapped on {{ _key_of(contract, 'final') }} = {{ _key_of(contract, 'mapped') }}
    cross join lateral (select {{ refusal_reasons(rules) }} as motivos) as reasons
    where {{ _key_of(contract, 'final') }} in (
        select change.source_key from traspaso.changes as change
        where
            change.system = '{{ contract.system }}'
            and change.source_table in ('{{ contract.sources | join("', '") }}')
    )
    order by {{ _row_key(contract, 'final') }}, cardinality(reasons.motivos)
) as judged
where judged.motivos <> '{}'
{%- endmacro %}
