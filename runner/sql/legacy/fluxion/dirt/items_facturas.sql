-- descripcion_producto:type
update items_facturas set descripcion_producto = chr(0) where is_dirty(rowid);

-- codigo_producto:length
update items_facturas set codigo_producto = repeat('0', 51) where is_dirty(rowid);

-- cantidad:not_null
update items_facturas set cantidad = null where is_dirty(rowid);

-- factura_id:foreign_key
update items_facturas set factura_id = 'no-existe-' || rowid where is_dirty(rowid);

-- producto_id:foreign_key
update items_facturas set producto_id = 'no-existe' where is_dirty(rowid);

-- fecha:range
update items_facturas set fecha = '4714-11-23 (BC)' where is_dirty(rowid);

-- fecha_hora:range
update items_facturas set fecha_hora = '-infinity' where is_dirty(rowid);

-- id:unique
insert into items_facturas from items_facturas where is_dirty(rowid);
