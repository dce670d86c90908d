{#
    A view reads with the rights of whoever asks, so that row-level security
    holds through it. PostgreSQL before 15 cannot, DuckDB has no roles.
#}
{% macro security_invoker(relation) -%}
    {{ return(server_hook(target_dispatch('security_invoker')(relation))) }}
{%- endmacro %}

{% macro default__security_invoker(relation) -%}{%- endmacro %}

{% macro postgres__security_invoker(relation) -%}
    {#- what the proofs found is no view where two engines were compared -#}
    {%- if execute and model.config.materialized != 'proof_table' and server_major() >= 15 -%}
        alter view {{ relation }} set (security_invoker = true)
    {%- endif -%}
{%- endmacro %}
