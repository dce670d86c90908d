{{ sums_of_share('fluxion', 2, shown_sums) }}
