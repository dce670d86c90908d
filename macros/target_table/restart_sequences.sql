{#
    Sequences of an empty table start again, in the load's own transaction: a load that
    was killed gives the numbers back that it drew, and the next one gives the same rows
    the same ones.
#}
{% macro restart_sequences(relation, contract) -%}
    {{ return(target_dispatch('restart_sequences')(relation, contract)) }}
{%- endmacro %}

{# No empty table is loaded bare. #}
{% macro default__restart_sequences(relation, contract) -%}{%- endmacro %}

{% macro postgres__restart_sequences(relation, contract) -%}
    {%- for column in contract.columns if column.serial -%}
        {%- set named = load_step(
            "select pg_get_serial_sequence('" ~ relation ~ "', '" ~ column.name ~ "')"
        ).rows[0][0] -%}
        {%- do load_step('alter sequence ' ~ named ~ ' restart') -%}
    {%- endfor -%}
{%- endmacro %}
