{#
    Stops a dbt command that would load or rebuild what belongs to a switched system: old
    rows would overwrite new ones, and a view that is made anew takes those with it that
    stand under the legacy names. Tests and documentation go on.
#}
{% macro refuse_after_switch() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot') -%}
        {%- do target_dispatch('refuse_after_switch')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__refuse_after_switch() -%}{%- endmacro %}

{% macro postgres__refuse_after_switch() -%}
    {%- for system in _switched_systems() -%}
        {%- for name in selected_resources if system in graph.nodes.get(name, {}).get('tags', []) -%}
            {{ _refuse_resource(system, name) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{# Nothing stands on the views there, and the proofs' tables are how a file is compared. #}
{% macro attached__refuse_after_switch() -%}
    {%- for system in _switched_systems() -%}
        {%- for name in selected_resources
            if system in graph.nodes.get(name, {}).get('tags', [])
            and graph.nodes[name].config.materialized == 'target_table' -%}
            {{ _refuse_resource(system, name) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _switched_systems() -%}
    {%- set journal = target_query(
        "select to_regclass('traspaso.steps') is not null"
    ).rows[0][0] -%}
    {{ return(target_query(
        "select system from traspaso.steps where step = 'phase' and phase = 4 and status = 'done'"
    ).columns[0].values() if journal else []) }}
{%- endmacro %}

{% macro _refuse_resource(system, name) -%}
    {{ exceptions.raise_compiler_error(
        system ~ ' is switched: its Spanish tables are written to now, and ' ~ flags.WHICH
        ~ ' would load or rebuild ' ~ name ~ '. `dbt test` and `traspaso validate '
        ~ system ~ '` go on; to go back: traspaso rollback ' ~ system ~ ' --to 3'
    ) }}
{%- endmacro %}
