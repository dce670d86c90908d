{#
    Brings a final table to what its model says, and the evidence with it.

    relation  the table
    contract  see target_contract
    sql       the model's query

    Returns the number of rows inserted, updated and deleted.
#}
{% macro load_target_table(relation, contract, sql) -%}
    {{ return(target_dispatch('load_target_table')(relation, contract, sql)) }}
{%- endmacro %}

{% macro default__load_target_table(relation, contract, sql) -%}
    {%- do lock_for_load(relation) -%}
    {%- set queried = get_columns_in_query(sql) -%}
    {%- do _require_columns(relation, contract, queried) -%}
    {%- set columns = contract.columns | map(attribute='name')
        | select('in', queried) | list -%}
    {%- set rules = refusal_rules(contract, queried) -%}
    {%- set offered = candidates(contract, sql) -%}
    {%- set bare = load_bare(relation, offered, rules) -%}

    {%- if bare -%}
        {%- set loaded = relation -%}
        {%- set keys = take_keys_off(relation) -%}
        {%- do restart_sequences(relation, contract) -%}
    {%- else -%}
        {%- set loaded = temporary_relation(contract.table ~ '__loaded') -%}
        {%- do load_step('drop table if exists ' ~ loaded) -%}
        {%- do load_step(
            'create temporary table ' ~ loaded ~ ' as select ' ~ columns | join(', ')
            ~ ' from ' ~ relation ~ ' limit 0'
        ) -%}
    {%- endif -%}

    {%- set inserted = insert_candidates(
        loaded, contract, offered, rules, queried, columns
    ) -%}
    {%- do load_step('drop table if exists '
        ~ temporary_relation(contract.table ~ '__contenders')) -%}
    {%- set found = namespace(contenders=none) -%}
    {%- if not bare or not put_unique_keys_back(relation, keys)
        or repeats_across_partitions(relation, contract, columns) -%}
        {%- set found.contenders = resolve_collisions(
            loaded, contract, offered, rules, columns
        ) -%}
    {%- endif -%}
    {%- set contenders = found.contenders -%}

    {%- set rows = namespace(changed=inserted.rows) -%}
    {%- if bare -%}
        {%- do put_keys_back(relation, keys) -%}
        {%- if contenders is not none -%}
            {%- set rows.changed = load_step(
                'select count(*) from ' ~ relation
            ).rows[0][0] | int -%}
        {%- endif -%}
    {%- else -%}
        {%- set rows.changed = apply_delta(relation, loaded, contract, columns) -%}
        {%- do load_step('drop table ' ~ loaded) -%}
    {%- endif -%}
    {%- do advance_sequences(relation, contract) -%}

    {%- set notable = temporary_relation(contract.table ~ '__notable') -%}
    {%- do create_notable(
        notable, contract, sql, offered, rules, queried, contenders, inserted.noted
    ) -%}
    {%- do record_fates(relation, contract, notable, columns) -%}
    {%- do record_repairs(contract, notable, queried) -%}
    {%- do load_step('drop table ' ~ notable) -%}
    {%- if contenders is not none -%}
        {%- do load_step('drop table ' ~ contenders) -%}
    {%- endif -%}
    {{ return(rows.changed) }}
{%- endmacro %}

{% macro _require_columns(relation, contract, queried) -%}
    {%- set missing = ['_source_table', '_source_key', '_source_row']
        | reject('in', queried) | list -%}
    {%- for column in contract.columns if column.name not in queried -%}
        {%- if column.not_null and not column.default and not column.serial -%}
            {%- do missing.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set known = contract.columns | map(attribute='name') | list -%}
    {%- set unknown = [] -%}
    {%- for name in queried -%}
        {%- if name not in known and not name.startswith('_')
            and not (name.startswith('raw__') and name[5:] in known) -%}
            {%- do unknown.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing or unknown -%}
        {{ exceptions.raise_compiler_error(
            "target_table: the query of " ~ relation.identifier ~ " does not fit its "
            ~ "contract: " ~ ("it lacks " ~ missing | join(', ') ~ "; " if missing)
            ~ ("the contract lacks " ~ unknown | join(', ') ~ "; " if unknown)
            ~ "select the first, and put the second in the model's .yml."
        ) }}
    {%- endif -%}
{%- endmacro %}
