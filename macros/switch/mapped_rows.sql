{#
    A model's query on some rows of one legacy table, given as they are passed to a
    function: its first argument, an array of rows of the compat view. What else the
    query looks up it reads from the compat views, which stand for the legacy tables
    after the switch; of the model's other sources it reads nothing.

    contract  see target_contract
    table     legacy table
    sql       the model's compiled query
    compat    schema of the compat views

    Returns the query, without the name of the database: the function must also work in
    a copy that has another name.
#}
{% macro mapped_rows(contract, table, sql, compat) -%}
    {%- set system = contract.system -%}
    {%- set read = namespace(sql=_without_database(sql)) -%}
    {%- for other in var('legacy_keys')[system] -%}
        {%- set node = graph.nodes['model.traspaso.stg_' ~ system ~ '__' ~ other] -%}
        {%- set staging = _without_database(node.relation_name) -%}
        {%- if staging in read.sql -%}
            {%- set view = adapter.quote(compat) ~ '.' ~ adapter.quote(other) -%}
            {%- set rows -%}
                {%- if other == table -%} unnest($1)
                {%- elif other in contract.sources -%} (select * from {{ view }} where false)
                {%- else -%} {{ _looked_up_rows(contract, other, view) }}
                {%- endif -%}
            {%- endset -%}
            {%- set read.sql = read.sql | replace(
                staging,
                '(' ~ _staging_of(node, legacy_relation(system, other), rows | trim) ~ ') as '
                ~ adapter.quote(node.alias)
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(read.sql) }}
{%- endmacro %}

{#
    What a model looks up in another legacy table: the rows that the given ones name, where
    the contract says by which column; those that are in the evidence, too, as a load found
    them. As a list, so that an index serves beneath any view.
#}
{% macro _looked_up_rows(contract, table, view) -%}
    {%- for followed in contract.follows if followed.source == table -%}
        {%- set looked_up -%}
            (
                select looked.* from {{ view }} as looked
                where looked.{{ var('legacy_keys')[contract.system][table].columns[0] }} = any(
                    array(select given.{{ followed.by }} from unnest($1) as given)
                )
                union all
                select kept.*
                from (
                    select distinct on (source_key) row
                    from {{ _without_database(evidence_relation('row_fates') | string) }}
                    where
                        system = '{{ contract.system }}'
                        and source_table = '{{ table }}'
                        and source_key = any(
                            array(select given.{{ followed.by }}::text from unnest($1) as given)
                        )
                ) as fate
                cross join lateral jsonb_populate_record(null::{{ view }}, fate.row) as kept
            )
        {%- endset -%}
        {{ return(looked_up) }}
    {%- endfor -%}
    {{ return(view) }}
{%- endmacro %}

{% macro _without_database(sql) -%}
    {{ return(sql | replace(adapter.quote(target.database) ~ '.', '')) }}
{%- endmacro %}

{# The text of a staging view that reads other rows than the legacy table's. #}
{% macro _staging_of(node, legacy, rows) -%}
    {%- set path = load_step("select current_setting('search_path')").rows[0][0] -%}
    {%- do load_step("set local search_path = ''") -%}
    {%- set found = load_step(
        "select '" ~ legacy ~ "'::regclass::text, rtrim(pg_get_viewdef('"
        ~ node.relation_name ~ "'::regclass), ';')"
    ).rows[0] -%}
    {%- do load_step(
        "select set_config('search_path', '" ~ path | replace("'", "''") ~ "', true)"
    ) -%}
    {%- set name = '(?<![\\w".])' ~ modules.re.escape(found[0]) ~ '(?![\\w".(])' -%}
    {%- set with_alias = modules.re.sub(name ~ '(?= [a-z_"])', rows, found[1]) -%}
    {{ return(modules.re.sub(
        name, rows ~ ' as ' ~ adapter.quote(legacy.identifier), with_alias
    )) }}
{%- endmacro %}
