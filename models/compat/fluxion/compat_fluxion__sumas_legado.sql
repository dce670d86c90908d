{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), legacy_sums, and_then()
) }}
