{#
    Brings a filled table to what the file says, from the row groups that changed since a
    load of it was proved: their rows, and those that the evidence speaks of, for these
    may have found their parents, or lost who shared their key. What was changed in
    PostgreSQL, or has left the file, it does not look for; the first is what the proof
    that follows finds, the second it counts.

    TRASPASO_LOAD=changed asks for it: the runner, which proves after it.

    work  see attached__load_target_table

    Returns {'rows', 'is_all'}: the number of rows touched, and whether each row of the
    file is in the table or has its fate now; none where nothing can be said of row groups.
#}
{% macro load_changed(work) -%}
    {%- set contract = work.contract -%}
    {%- if env_var('TRASPASO_LOAD', '') != 'changed' or not _has_whole_key(contract) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set groups = changed_row_groups(contract) -%}
    {%- if groups is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set changed = legacy_stretches(_only_source(contract), groups.stretches) -%}
    {%- set loaded = _stream_beside(work, 'changed', _query_of(work, changed)) -%}
    {%- do _collect_noted(contract) -%}
    {%- do _collect_repeated(contract, changed) -%}
    {%- do load_step('analyze ' ~ loaded) -%}
    {%- do _collect_sharing(work, loaded) -%}
    {%- set judged = judge_apart(work, loaded) -%}
    {%- set within = _stood_for(work, loaded, judged) -%}
    {%- set rows = _apply_beside(work, loaded, judged, within=within) -%}
    {%- do load_step('drop table ' ~ within) -%}
    {%- set is_all = _has_all(work, groups['rows']) -%}
    {%- if is_all -%}
        {%- do log(
            'traspaso changed ' ~ contract.table ~ ' ' ~ groups.changed ~ ' ' ~ groups['rows']
        ) -%}
    {%- endif -%}
    {{ return({'rows': rows, 'is_all': is_all}) }}
{%- endmacro %}

{# Whether a row is found again by its key, which has no NULL. #}
{% macro _has_whole_key(contract) -%}
    {%- set nullable = contract.columns | selectattr('name', 'in', contract.load_key)
        | rejectattr('not_null') | list -%}
    {{ return(nullable == []) }}
{%- endmacro %}

{# Adds the keys of the rows that the evidence speaks of, as the file writes them. #}
{% macro _collect_noted(contract) -%}
    {%- set source = contract.sources[0] -%}
    {%- set key = base_key(contract.system, source) -%}
    {%- set noted = apart_keys(contract.system, source) -%}
    {%- if has_rows(noted) -%}
        {%- do model_step(
            'insert into ' ~ _apart(contract, 'keys') ~ ' select distinct ' ~ key ~ ' from '
            ~ _only_source(contract) ~ ' where ' ~ storable_text(key)
            ~ ' in (select apart.key from ' ~ from_server(noted) ~ ' as apart)'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Adds the keys of changed rows that are in the file more than once. #}
{% macro _collect_repeated(contract, changed) -%}
    {%- set key = base_key(contract.system, contract.sources[0]) -%}
    {%- do model_step(
        'insert into ' ~ _apart(contract, 'keys') ~ ' select key from (select ' ~ key
        ~ ' as key from ' ~ _only_source(contract) ~ ' where ' ~ key ~ ' in (select ' ~ key
        ~ ' from ' ~ changed ~ ')) group by key having count(*) > 1'
    ) -%}
{%- endmacro %}

{#
    Adds the keys of rows that share a unique key: a changed row with one of the table
    that it does not stand for, and then whatever in the file shares one with a row that
    is judged apart, until there is no more.
#}
{% macro _collect_sharing(work, loaded) -%}
    {%- set contract = work.contract -%}
    {%- set keys = _apart(contract, 'keys') -%}
    {%- set uniques = [] -%}
    {%- for key in loaded_keys(contract, work.columns) if key != contract.load_key -%}
        {%- do uniques.append(key) -%}
        {%- do _add_keys(contract,
            'select ' ~ _row_key_of(contract, 'here') ~ ' as key from ' ~ loaded
            ~ ' as here inner join ' ~ work.relation ~ ' as there on '
            ~ _shares_key(key, 'here', 'there') ~ ' and ' ~ _row_key_of(contract, 'here')
            ~ ' <> ' ~ _row_key_of(contract, 'there')
        ) -%}
    {%- endfor -%}
    {%- set state = namespace(left=uniques != []) -%}
    {%- set count = 'select count(distinct key) from ' ~ keys -%}
    {%- for _ in range(100000) if state.left -%}
        {%- set before = model_step(count, fetch=true).rows[0][0] | int -%}
        {%- for key in uniques -%}
            {%- set columns = key | join(', ') -%}
            {%- do model_step(
                'insert into ' ~ keys ~ ' select distinct ' ~ row_key(contract.load_key)
                ~ ' from (' ~ work.sql ~ ') as there where (' ~ columns ~ ') in (select '
                ~ columns ~ ' from (' ~ work.sql ~ ') as here where '
                ~ row_key(contract.load_key) ~ ' in (select key from ' ~ keys ~ '))'
            ) -%}
        {%- endfor -%}
        {%- set state.left = model_step(count, fetch=true).rows[0][0] | int > before -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _row_key_of(contract, alias) -%}
    {%- set columns = [] -%}
    {%- for name in contract.load_key -%}
        {%- do columns.append(alias ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ row_key(columns) }}
{%- endmacro %}

{#
    Copies the rows of the table for which `loaded` and the rows that were judged apart
    stand. Returns the copy.
#}
{% macro _stood_for(work, loaded, judged) -%}
    {%- set contract = work.contract -%}
    {%- set key = contract.load_key | join(', ') -%}
    {%- set within = temporary_relation(contract.table ~ '__within') -%}
    {%- do load_step('drop table if exists ' ~ within) -%}
    {%- do load_step(
        'create temporary table ' ~ within ~ ' as select * from ' ~ work.relation
        ~ ' where (' ~ key ~ ') in (select ' ~ key ~ ' from ' ~ loaded
        ~ (' union select ' ~ key ~ ' from ' ~ temporary_relation(contract.table ~ '__notable')
            if judged else '') ~ ')'
    ) -%}
    {%- do load_step('analyze ' ~ within) -%}
    {{ return(within) }}
{%- endmacro %}

{# Whether each row of the file is in the table or has its fate, and no other is there. #}
{% macro _has_all(work, rows) -%}
    {%- set found = load_step(
        'select (select count(*) from ' ~ work.relation
        ~ ") + (select count(*) from traspaso.row_fates where system = '"
        ~ work.contract.system ~ "' and target_table = '" ~ work.contract.table ~ "') as rows"
    ).rows[0][0] | int -%}
    {{ return(found == rows) }}
{%- endmacro %}
