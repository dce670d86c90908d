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
    {%- if execute and model.config.materialized != 'proof_table' -%}
do $invoker$
begin
    if current_setting('server_version_num')::integer >= 150000 then
        alter view {{ relation }} set (security_invoker = true);
    end if;
end
$invoker$
    {%- endif -%}
{%- endmacro %}
