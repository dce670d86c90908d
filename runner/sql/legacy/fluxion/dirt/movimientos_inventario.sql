-- observaciones:type
update movimientos_inventario set observaciones = 'a' || chr(0) || 'b' where is_dirty(rowid);

-- tipo_movimiento:length
update movimientos_inventario set tipo_movimiento = repeat('m', 31) where is_dirty(rowid);

-- fecha:not_null
update movimientos_inventario set fecha = null where is_dirty(rowid);

-- ubicacion_id:foreign_key
update movimientos_inventario set ubicacion_id = '' where is_dirty(rowid);

-- producto_id:foreign_key
update movimientos_inventario set producto_id = 'no-existe' where is_dirty(rowid);

-- fecha_hora:range
update movimientos_inventario set fecha_hora = '294247-01-10 04:00:54.775806'
where is_dirty(rowid);

-- fecha:range
update movimientos_inventario set fecha = 'infinity' where is_dirty(rowid);

-- id:unique
insert into movimientos_inventario
select * replace (observaciones || ' bis' as observaciones)
from movimientos_inventario where is_dirty(rowid);
