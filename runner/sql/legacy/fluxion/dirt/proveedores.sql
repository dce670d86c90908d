-- codigo:unique
insert into proveedores
select * replace (id || '-bis' as id) from proveedores where is_dirty(rowid);

-- calificacion_calidad:check
insert into proveedores
select * replace (id || '-c' as id, codigo || '-c' as codigo, 0 as calificacion_calidad)
from proveedores where is_dirty(rowid);

-- calificacion_precio:check
insert into proveedores
select * replace (id || '-p' as id, codigo || '-p' as codigo, 6 as calificacion_precio)
from proveedores where is_dirty(rowid);

-- email:length
insert into proveedores
select * replace (id || '-e' as id, codigo || '-e' as codigo, repeat('e', 101) as email)
from proveedores where is_dirty(rowid);
