{{ sums_of_share('fluxion', 1, shown_sums) }}
