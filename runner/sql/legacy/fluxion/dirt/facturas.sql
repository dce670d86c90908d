-- cliente_nombre:type
update facturas set cliente_nombre = 'Ana' || chr(0) where is_dirty(rowid);

-- cliente_rif:length
update facturas set cliente_rif = repeat('J', 21) where is_dirty(rowid);

-- numero_factura:not_null
update facturas set numero_factura = null where is_dirty(rowid);

-- ubicacion_id:foreign_key
update facturas set ubicacion_id = 'tienda_99' where is_dirty(rowid);

-- fecha_hora:range
update facturas set fecha_hora = 'infinity' where is_dirty(rowid);

-- fecha_hora:range
update facturas set fecha_hora = '5000-01-01 (BC) 12:00:00' where is_dirty(rowid);

-- fecha:range
update facturas set fecha = '5881580-07-10' where is_dirty(rowid);

-- id:unique
insert into facturas from facturas where is_dirty(rowid);
