-- Fluxion's indexes; DuckDB has no partial ones: idx_stock_reposicion is without its predicate.
create index idx_productos_abc on productos (abc_classification, activo);
create index idx_productos_categoria on productos (categoria, activo);
create index idx_conjuntos_categoria on conjuntos_sustituibles (categoria);
create index idx_conjuntos_nombre on conjuntos_sustituibles (nombre);
create index idx_historico_codigo on productos_abc_v2_historico (codigo_producto);
create index idx_historico_fecha on productos_abc_v2_historico (fecha_calculo);
create index idx_historico_ubicacion on productos_abc_v2_historico (ubicacion_id);
create index idx_producto_ubicacion_activo on producto_ubicacion_config (ubicacion_id, activo);
create index idx_facturas_fecha_ubicacion on facturas (fecha, ubicacion_id);
create index idx_movimientos_fecha_ubicacion_producto on movimientos_inventario (fecha, ubicacion_id, producto_id);
create index idx_stock_reposicion on stock_actual (requiere_reposicion);
create index idx_stock_ubicacion on stock_actual (ubicacion_id);
create index idx_items_fecha_producto on items_facturas (fecha, producto_id);
