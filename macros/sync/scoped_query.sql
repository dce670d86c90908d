{#
    The model's query on the rows of the scope only: each source of the table is copied
    to a temporary table, as far as its key is in the scope, the staging view is made
    once more above it, and the query reads that one. So it is with a legacy table that
    the query looks up by a column of the first source (`follows`): the rows that the
    copied ones name. Whatever else it looks up it still reads whole.

    scope     see create_scope
    contract  see target_contract
    sql       the model's query

    Returns the query. Its temporary relations last as long as the session.
#}
{% macro scoped_query(scope, contract, sql) -%}
    {%- set read = namespace(sql=sql) -%}
    {%- set path = load_step("select current_setting('search_path')").rows[0][0] -%}
    {%- do load_step("set local search_path = ''") -%}
    {%- set copied = [] -%}
    {%- for table in contract.sources -%}
        {%- do copied.append({
            'table': table, 'where': _is_in_keys(scope, contract.system, table, 'source')
        }) -%}
    {%- endfor -%}
    {%- for followed in contract.follows if followed.source -%}
        {%- do copied.append({
            'table': followed.source,
            'where': 'source.' ~ var('legacy_keys')[contract.system][followed.source].columns[0]
                ~ ' in (select given.' ~ followed.by ~ ' from pg_temp.'
                ~ adapter.quote(contract.sources[0]) ~ ' as given)',
        }) -%}
    {%- endfor -%}
    {%- for each in copied -%}
        {%- set table = each.table -%}
        {%- set legacy = legacy_relation(contract.system, table) -%}
        {%- set staging = graph.nodes[
            'model.traspaso.stg_' ~ contract.system ~ '__' ~ table
        ] -%}
        {%- set found = load_step(
            "select '" ~ legacy ~ "'::regclass::text, pg_get_viewdef('"
            ~ staging.relation_name ~ "'::regclass)"
        ).rows[0] -%}
        {#- named as the legacy table, whose name the view's text goes on to use -#}
        {%- set copy = 'pg_temp.' ~ adapter.quote(legacy.identifier) -%}
        {%- set view = 'pg_temp.' ~ adapter.quote(staging.alias) -%}
        {%- do load_step('drop table if exists ' ~ copy ~ ' cascade') -%}
        {%- do load_step(
            'create temporary table ' ~ adapter.quote(legacy.identifier)
            ~ ' as select source.* from ' ~ legacy ~ ' as source where ' ~ each.where
        ) -%}
        {%- do load_step('analyze ' ~ copy) -%}
        {%- do load_step(
            'create temporary view ' ~ adapter.quote(staging.alias) ~ ' as '
            ~ modules.re.sub(
                '(?<![\\w".])' ~ modules.re.escape(found[0]) ~ '(?![\\w".(])', copy, found[1]
            )
        ) -%}
        {%- set read.sql = read.sql | replace(staging.relation_name, view) -%}
    {%- endfor -%}
    {%- do load_step("select set_config('search_path', '" ~ path | replace("'", "''") ~ "', true)") -%}
    {{ return(read.sql) }}
{%- endmacro %}
