{#
    `union all` in the query of a proof_table, which works its parts out one after the
    other: together their joins would want memory for all of them at once.
#}
{% macro and_then() -%}
union all -- and then
{%- endmacro %}
