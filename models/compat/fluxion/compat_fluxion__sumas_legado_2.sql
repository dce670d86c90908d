{{ sums_of_share('fluxion', 2, legacy_sums) }}
