-- coeficiente_variacion:type
update productos_abc_v2_historico set coeficiente_variacion = 'nan' where is_dirty(rowid);

-- coeficiente_variacion:type
update productos_abc_v2_historico set coeficiente_variacion = '-inf' where is_dirty(rowid);

-- clasificacion_xyz:length
update productos_abc_v2_historico set clasificacion_xyz = 'XY' where is_dirty(rowid);

-- fecha_calculo:unique
insert into productos_abc_v2_historico
select * replace (id || '-bis' as id) from productos_abc_v2_historico where is_dirty(rowid);
