{%- set legacy = both_shares('compat_fluxion__sumas_legado') -%}
{%- set shown = both_shares('compat_fluxion__sumas_destino') -%}
{%- set sample = ref('compat_fluxion__muestra') -%}
{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), differing_keys, and_then(),
    legacy, shown, sample
) }}
