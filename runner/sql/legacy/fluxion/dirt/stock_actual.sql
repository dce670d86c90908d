-- cantidad:check
update stock_actual set cantidad = -1.5 where is_dirty(rowid);

-- cantidad_disponible:not_null
update stock_actual set cantidad_disponible = null where is_dirty(rowid);

-- ubicacion_id:foreign_key
update stock_actual set ubicacion_id = 'tienda_99' where is_dirty(rowid);

-- ultima_venta:range
update stock_actual set ultima_venta = 'infinity' where is_dirty(rowid);

-- producto_id:unique
insert into stock_actual from stock_actual where is_dirty(rowid);
