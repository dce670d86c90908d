-- Fluxion's two views; of their text only columns and meaning are known.

create view productos_ubicacion_completa as
select
    p.id as producto_id,
    p.codigo,
    p.descripcion,
    p.categoria,
    p.marca,
    u.id as ubicacion_id,
    u.nombre as ubicacion_nombre,
    u.tipo as ubicacion_tipo,
    puc.stock_minimo,
    puc.stock_maximo,
    puc.punto_reorden,
    puc.precio_venta,
    s.cantidad as stock_actual,
    s.cantidad_disponible,
    s.demanda_30_dias,
    case
        when s.cantidad <= puc.stock_minimo then 'CRITICO'
        when s.cantidad <= puc.punto_reorden then 'BAJO'
        when s.cantidad >= puc.stock_maximo then 'EXCESO'
        else 'NORMAL'
    end as estado_stock
from productos as p
inner join producto_ubicacion_config as puc on p.id = puc.producto_id
inner join ubicaciones as u on puc.ubicacion_id = u.id
left join stock_actual as s on puc.ubicacion_id = s.ubicacion_id and puc.producto_id = s.producto_id
where p.activo and puc.activo and u.activo;

create view alertas_inventario as
select
    u.nombre as ubicacion,
    u.tipo,
    p.descripcion as producto,
    p.categoria,
    s.cantidad as stock_actual,
    puc.stock_minimo,
    puc.stock_maximo,
    s.dias_sin_movimiento,
    case
        when s.cantidad <= puc.stock_minimo then 'STOCK CRITICO'
        when s.dias_sin_movimiento > 60 then 'SIN MOVIMIENTO'
        when s.cantidad >= puc.stock_maximo then 'SOBRESTOCK'
        else 'PROXIMO A VENCER'
    end as tipo_alerta,
    case
        when s.cantidad <= puc.stock_minimo then 'CRITICA'
        when s.dias_sin_movimiento > 60 then 'MEDIA'
        when s.cantidad >= puc.stock_maximo then 'BAJA'
        else 'ALTA'
    end as prioridad
from stock_actual as s
inner join producto_ubicacion_config as puc
    on s.ubicacion_id = puc.ubicacion_id and s.producto_id = puc.producto_id
inner join productos as p on s.producto_id = p.id
inner join ubicaciones as u on s.ubicacion_id = u.id
where
    puc.activo
    and (
        s.cantidad <= puc.stock_minimo
        or s.dias_sin_movimiento > 60
        or s.cantidad >= puc.stock_maximo
        or s.fecha_proximo_vencimiento <= current_date + interval 30 day
    );
