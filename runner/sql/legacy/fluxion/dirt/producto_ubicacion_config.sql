-- stock_minimo:check
update producto_ubicacion_config set stock_minimo = -0.0001 where is_dirty(rowid);

-- stock_maximo:check
update producto_ubicacion_config set stock_maximo = stock_minimo where is_dirty(rowid);

-- lead_time_dias:check
update producto_ubicacion_config set lead_time_dias = 0 where is_dirty(rowid);

-- producto_id:foreign_key
update producto_ubicacion_config set producto_id = 'no-existe-' || rowid where is_dirty(rowid);

-- producto_id:unique
insert into producto_ubicacion_config
select * replace (id || '-bis' as id) from producto_ubicacion_config where is_dirty(rowid);
