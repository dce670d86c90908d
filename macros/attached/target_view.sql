{#
    A view of the attached PostgreSQL, in its own words: what reads final tables only
    must outlive DuckDB.
#}
{% materialization target_view, adapter='duckdb' %}
    {%- set relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do load_step('create or replace view ' ~ relation ~ ' as ' ~ sql) -%}
    {%- if config.persist_relation_docs() -%}
        {%- do load_step(
            'comment on view ' ~ relation ~ ' is ' ~ _literal(model.description)
        ) -%}
        {%- for column in model.columns.values() if config.persist_column_docs() -%}
            {%- do load_step(
                'comment on column ' ~ relation ~ '.' ~ column.name ~ ' is '
                ~ _literal(column.description)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- call noop_statement('main', 'CREATE VIEW', 'CREATE VIEW', 0) -%}{%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
