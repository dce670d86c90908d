{#
    What a proof finds that reads the legacy in DuckDB and the final tables in
    PostgreSQL, as a table there: the runner reads it where it is a view elsewhere.
#}
{% materialization proof_table, adapter='duckdb' %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set found = api.Relation.create(
        database='temp', schema='main', identifier=model.name
    ) -%}
    {%- for part in sql.split(and_then() | trim) -%}
        {%- do model_step(
            ('create or replace temporary table ' ~ found ~ ' as ' if loop.first
                else 'insert into ' ~ found ~ ' ') ~ part
        ) -%}
    {%- endfor -%}
    {#- by DuckDB itself: of a table that PostgreSQL has dropped it writes no row -#}
    {%- do model_step('drop table if exists ' ~ relation) -%}
    {%- do model_step('create table ' ~ relation ~ ' as select * from ' ~ found) -%}
    {%- do model_step('drop table ' ~ found) -%}
    {%- call noop_statement('main', 'PROOF', 'PROOF', 0) -%}{%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
