{#
    Stops a dbt command that would load or rebuild what belongs to a switched system: old
    rows would overwrite new ones, and a view that is made anew takes those with it that
    stand under the legacy names. Tests and documentation go on.
#}
{% macro refuse_after_switch() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot') -%}
        {%- do adapter.dispatch('refuse_after_switch', 'traspaso')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__refuse_after_switch() -%}{%- endmacro %}

{% macro postgres__refuse_after_switch() -%}
    {%- set journal = run_query("select to_regclass('traspaso.steps') is not null").rows[0][0] -%}
    {%- set switched = run_query(
        "select system from traspaso.steps where step = 'phase' and phase = 4 and status = 'done'"
    ).columns[0].values() if journal else [] -%}
    {%- for system in switched -%}
        {%- for name in selected_resources if system in graph.nodes.get(name, {}).get('tags', []) -%}
            {{ exceptions.raise_compiler_error(
                system ~ ' is switched: its Spanish tables are written to now, and ' ~ flags.WHICH
                ~ ' would load or rebuild ' ~ name ~ '. `dbt test` and `traspaso validate '
                ~ system ~ '` go on; to go back: traspaso rollback ' ~ system ~ ' --to 3'
            ) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
