{{ sums_of_share('fluxion', 1, legacy_sums) }}
