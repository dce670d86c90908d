with productos as (

    select * from {{ ref('fluxion__productos') }}

),

ubicaciones as (

    select * from {{ ref('fluxion__ubicaciones') }}

),

configuracion as (

    select * from {{ ref('fluxion__producto_ubicacion_config') }}

),

existencias as (

    select * from {{ ref('fluxion__stock_actual') }}

)

select
    -- product
    productos.id as producto_id,
    productos.codigo,
    productos.descripcion,
    productos.categoria,
    productos.marca,

    -- location
    ubicaciones.id as ubicacion_id,
    ubicaciones.nombre as ubicacion_nombre,
    ubicaciones.tipo as ubicacion_tipo,

    -- numerics
    configuracion.stock_minimo,
    configuracion.stock_maximo,
    configuracion.punto_reorden,
    configuracion.precio_venta,
    existencias.cantidad as stock_actual,
    existencias.cantidad_disponible,
    existencias.demanda_30_dias,

    -- status
    case
        when existencias.cantidad <= configuracion.stock_minimo then 'CRITICO'
        when existencias.cantidad <= configuracion.punto_reorden then 'BAJO'
        when existencias.cantidad >= configuracion.stock_maximo then 'EXCESO'
        else 'NORMAL'
    end as estado_stock
from productos
inner join configuracion on productos.id = configuracion.producto_id
inner join ubicaciones on configuracion.ubicacion_id = ubicaciones.id
left join existencias
    on
        configuracion.ubicacion_id = existencias.ubicacion_id
        and configuracion.producto_id = existencias.producto_id
where productos.activo and configuracion.activo
