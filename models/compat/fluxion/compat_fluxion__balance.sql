-- depends_on: {{ ref('compat_fluxion__sumas_legado_1') }}
-- depends_on: {{ ref('compat_fluxion__sumas_legado_2') }}
-- depends_on: {{ ref('compat_fluxion__distintas') }}
{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), table_balance, and_then()
) }}
