{#
    Keeps the rules out of the joins below them. PostgreSQL guesses that each rule
    leaves few rows, and a few rules that hardly any are left: it would join half a
    million rows in nested loops. It would also write an expression out, and compute
    it, once for each rule that reads it.
#}
{% macro fence() -%}
    {{ adapter.dispatch('fence', 'traspaso')() }}
{%- endmacro %}

{% macro default__fence() -%}{%- endmacro %}

{% macro postgres__fence() -%}
    offset 0
{%- endmacro %}
