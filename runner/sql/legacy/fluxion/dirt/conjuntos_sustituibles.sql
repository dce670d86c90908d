-- nombre:unique
insert into conjuntos_sustituibles
select * replace (id || '-bis' as id) from conjuntos_sustituibles where is_dirty(rowid);

-- fecha_creacion:range
insert into conjuntos_sustituibles
select * replace (id || '-r' as id, nombre || '-r' as nombre, '-infinity' as fecha_creacion)
from conjuntos_sustituibles where is_dirty(rowid);
