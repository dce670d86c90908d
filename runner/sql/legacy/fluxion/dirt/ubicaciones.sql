-- Rows beside the sixteen, so that nothing hangs on them.

-- codigo:unique
insert into ubicaciones
select * replace ('tienda_91' as id) from ubicaciones where is_dirty(rowid);

-- codigo:length
insert into ubicaciones
select * replace ('tienda_92' as id, 'TIENDA-CARABOBO' as codigo)
from ubicaciones where is_dirty(rowid);

-- nombre:type
insert into ubicaciones
select * replace ('tienda_93' as id, 'T93' as codigo, nombre || chr(0) as nombre)
from ubicaciones where is_dirty(rowid);

-- tipo:not_null
insert into ubicaciones
select * replace ('tienda_94' as id, 'T94' as codigo, null as tipo)
from ubicaciones where is_dirty(rowid);
