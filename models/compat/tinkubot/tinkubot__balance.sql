{{ each_model('tinkubot__', var('legacy_keys')['tinkubot'], table_balance) }}
