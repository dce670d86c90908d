-- moneda:length
update producto_proveedor_config set moneda = 'BsF.' where is_dirty(rowid);

-- precio_compra:not_null
update producto_proveedor_config set precio_compra = null where is_dirty(rowid);

-- proveedor_id:foreign_key
update producto_proveedor_config set proveedor_id = 'no-existe' where is_dirty(rowid);

-- fecha_ultimo_precio:range
update producto_proveedor_config set fecha_ultimo_precio = '-infinity' where is_dirty(rowid);
