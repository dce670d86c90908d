{#
    Rows of a final table whose foreign key has no parent, declared in the database
    or not, one row a foreign key: target_table, constraint_name, orphans. Of a partitioned
    table also the rows that repeat a key which PostgreSQL cannot keep unique there.

    On `duckdb_to_postgres` a foreign key that PostgreSQL has validated is taken at its
    word: rows are looked for where it is missing or not valid.

    node  the model, as in `graph`
#}
{% macro table_orphans(node) -%}
    {%- set contract = target_contract(node) -%}
    {%- for key in contract.foreign_keys %}
    {{ 'union all' if not loop.first }}
    select
        '{{ contract.table }}' as target_table,
        '{{ key.name }}' as constraint_name,
        {% if is_attached() -%}
        case when exists (
            select 1
            from pg_catalog.pg_constraint as con
            where
                con.contype = 'f'
                and con.convalidated
                and con.conname = '{{ key.name }}'
                and con.conrelid = to_regclass('{{ node.schema }}.{{ node.alias }}')
        ) then 0 else (
            select count(*) {{ _orphans(node, key) }}
        ) end as orphans
        {%- else -%}
        count(*) as orphans
    {{ _orphans(node, key) }}
        {%- endif %}
    {%- endfor %}
    {%- if contract.partition_by and is_building() and is_partitioned(node_relation(node)) %}
    {%- for key in [contract.primary_key] + contract.uniques
        if contract.partition_by.column not in key.columns %}
    {{ 'union all' if not loop.first or contract.foreign_keys }}
    select
        '{{ contract.table }}' as target_table,
        '{{ key.name }}' as constraint_name,
        coalesce(sum(repeated.rows - 1), 0)::bigint as orphans
    from (
        select count(*) as rows
        from {{ node_relation(node) }}
        where {% for column in key.columns -%}
            {{ 'and ' if not loop.first }}{{ column }} is not null
        {% endfor -%}
        group by {{ key.columns | join(', ') }}
        having count(*) > 1
    ) as repeated
    {%- endfor %}
    {%- endif %}
{%- endmacro %}

{# The rows of a foreign key that have no parent, from FROM on. #}
{% macro _orphans(node, key) -%}
    from {{ node_relation(node) }} as child
    where
        {%- for column in key.columns %}
        child.{{ column }} is not null and
        {%- endfor %}
        not exists (
            select 1
            from {{ _foreign_relation(key.to) }} as parent
            where
                {%- for column in key.columns %}
                {{ 'and ' if not loop.first -}}
                parent.{{ key.to_columns[loop.index0] }} = child.{{ column }}
                {%- endfor %}
        )
{%- endmacro %}

{# `graph` holds a foreign key's parent as it is written: ref('…'). #}
{% macro _foreign_relation(to) -%}
    {%- set name = modules.re.search("ref\\(\\s*['\"](\\w+)['\"]\\s*\\)", to) -%}
    {%- if name is none -%}
        {{ return(to) }}
    {%- endif -%}
    {{ return(node_relation(graph.nodes['model.traspaso.' ~ name.group(1)])) }}
{%- endmacro %}
