with items_facturas as (

    select * from {{ ref('fluxion__items_facturas') }}

)

select
    id::text as id,
    factura_id::text as factura_id,
    numero_factura::text as numero_factura,
    producto_id::text as producto_id,
    fecha_hora,
    fecha,
    codigo_producto::text as codigo_producto,
    descripcion_producto::text as descripcion_producto,
    categoria_producto::text as categoria_producto,
    marca_producto::text as marca_producto,
    modelo_producto::text as modelo_producto,
    presentacion::text as presentacion,
    cantidad,
    precio_unitario,
    precio_total,
    descuento,
    costo_unitario,
    costo_total,
    margen
from items_facturas
