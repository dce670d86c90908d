{#
    True of a candidate that the evidence speaks of: refused, or loaded with a repaired
    value.

    contract  see target_contract
    rules     see refusal_rules
    queried   columns of the model's query
#}
{% macro is_notable(contract, rules, queried) -%}
    not ({{ is_valid(rules) }})
    {%- for column in repairable_columns(contract, queried) %}
    or {{ is_repaired(contract, column, queried) }}
    {%- endfor %}
    {%- for name in ['_unplaced', '_reread'] if name in queried %}
    or {{ name }} is not null
    {%- endfor %}
{%- endmacro %}
