{#
    Inserts the valid candidates into `loaded`. On PostgreSQL the same scan notes the
    keys of the rows that the evidence speaks of: a function writes them down, which
    is called for no other row.

    loaded      relation to insert into
    contract    see target_contract
    candidates  SQL of candidates()
    rules       see refusal_rules
    queried     columns of the model's query
    columns     the columns that are loaded

    Returns a dict:
    noted  relation of the keys, for create_notable; none where nothing was noted
    rows   the number of rows inserted; none where the engine does not say
#}
{% macro insert_candidates(loaded, contract, candidates, rules, queried, columns) -%}
    {{ return(adapter.dispatch('insert_candidates', 'traspaso')(
        loaded, contract, candidates, rules, queried, columns
    )) }}
{%- endmacro %}

{% macro default__insert_candidates(
    loaded, contract, candidates, rules, queried, columns
) -%}
    {%- do load_step(
        _insert_candidates(loaded, candidates, columns) ~ is_valid(rules)
    ) -%}
    {{ return({'noted': none, 'rows': none}) }}
{%- endmacro %}

{% macro postgres__insert_candidates(
    loaded, contract, candidates, rules, queried, columns
) -%}
    {#- the one name that the function knows -#}
    {%- set noted = temporary_relation('traspaso_noted') -%}
    {%- do load_step('drop table if exists ' ~ noted) -%}
    {%- do load_step(
        'create temporary table ' ~ noted ~ ' (_source_table text, _source_key text,'
        ~ ' _admitted boolean, _reasons text[], _is_loaded boolean)'
    ) -%}
    {%- set rows = load_rows(
        _insert_candidates(loaded, candidates, columns) ~ 'case when '
        ~ is_notable(contract, rules, queried) ~ ' then traspaso.noted(_source_table,'
        ~ ' _source_key, ' ~ is_valid(rules) ~ ', ' ~ refusal_reasons(rules)
        ~ ') else true end'
    ) -%}
    {{ return({'noted': noted, 'rows': rows}) }}
{%- endmacro %}

{% macro _insert_candidates(loaded, candidates, columns) -%}
    insert into {{ loaded }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ candidates }} as candidate where {{ ' ' }}
{%- endmacro %}

{#
    Written without a name in the statement that changes: it is planned once a session.
    The table is the load's own, see insert_candidates.
#}
{% macro _function_noted() %}
create or replace function traspaso.noted(
    source_table text, source_key text, admitted boolean, reasons text[]
) returns boolean language plpgsql volatile parallel unsafe as $body$
begin
    insert into pg_temp.traspaso_noted values ($1, $2, $3, $4, $3);
    return $3;
end
$body$;
{%- endmacro %}
