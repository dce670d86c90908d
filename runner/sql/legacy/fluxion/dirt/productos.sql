-- Rows beside the clean ones, so that nothing hangs on them.

-- id:unique
insert into productos
select * replace (codigo || '-bis' as codigo) from productos where is_dirty(rowid);

-- codigo:unique
insert into productos
select * replace (id || '-bis' as id) from productos where is_dirty(rowid);

-- descripcion:type
insert into productos
select * replace (id || '-nul' as id, codigo || '-nul' as codigo, 'Ca' || chr(0) || 'fé' as descripcion)
from productos where is_dirty(rowid);

-- descripcion:length
insert into productos
select * replace (id || '-l' as id, codigo || '-l' as codigo, repeat('ñ', 201) as descripcion)
from productos where is_dirty(rowid);

-- categoria:not_null
insert into productos
select * replace (id || '-n' as id, codigo || '-n' as codigo, null as categoria)
from productos where is_dirty(rowid);

-- abc_classification:length
insert into productos
select * replace (id || '-abc' as id, codigo || '-abc' as codigo, 'AB' as abc_classification)
from productos where is_dirty(rowid);

-- created_at:range
insert into productos
select * replace (id || '-inf' as id, codigo || '-inf' as codigo, 'infinity' as created_at)
from productos where is_dirty(rowid);

-- fecha_discontinuacion:range
insert into productos
select * replace (
    id || '-bc' as id, codigo || '-bc' as codigo, '5000-01-01 (BC)'::date as fecha_discontinuacion
)
from productos where is_dirty(rowid);
