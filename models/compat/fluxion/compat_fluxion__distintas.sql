{%- set legacy = ref('compat_fluxion__sumas_legado') -%}
{%- set shown = '(select * from ' ~ ref('compat_fluxion__sumas_destino')
    ~ ' union all select * from ' ~ ref('compat_fluxion__sumas_lineas')
    ~ ') as shown_sums' -%}
{%- set totals = ref('compat_fluxion__totales') -%}
{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), differing_keys, and_then(),
    legacy, shown, totals
) }}
