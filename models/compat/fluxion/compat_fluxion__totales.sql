{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), compared_totals, and_then()
) }}
