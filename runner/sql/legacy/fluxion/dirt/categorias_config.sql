-- subcategoria:unique
insert into categorias_config
select * replace (id || '-bis' as id) from categorias_config where is_dirty(rowid);

-- categoria:length
insert into categorias_config
select * replace (id || '-l' as id, repeat('c', 51) as categoria)
from categorias_config where is_dirty(rowid);
