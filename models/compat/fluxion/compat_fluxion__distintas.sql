{%- set legacy = '(select * from ' ~ ref('compat_fluxion__sumas_legado_1')
    ~ ' union all select * from ' ~ ref('compat_fluxion__sumas_legado_2')
    ~ ') as legacy_sums' -%}
{%- set shown = '(select * from ' ~ ref('compat_fluxion__sumas_destino_1')
    ~ ' union all select * from ' ~ ref('compat_fluxion__sumas_destino_2')
    ~ ') as shown_sums' -%}
{%- set sample = ref('compat_fluxion__muestra') -%}
{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), differing_keys, and_then(),
    legacy, shown, sample
) }}
