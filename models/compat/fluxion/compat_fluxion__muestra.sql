{{ each_model(
    'compat_fluxion__', proved_tables('fluxion'), sampled_digests, and_then()
) }}
