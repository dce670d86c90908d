with stock_actual as (

    select * from {{ ref('fluxion__stock_actual') }}

)

select
    ubicacion_id::text as ubicacion_id,
    producto_id::text as producto_id,
    cantidad,
    cantidad_reservada,
    cantidad_disponible,
    valor_inventario,
    costo_promedio,
    ultima_entrada,
    ultima_salida,
    ultima_venta,
    ultima_actualizacion,
    demanda_7_dias,
    demanda_30_dias,
    rotacion_anual,
    requiere_reposicion,
    dias_sin_movimiento,
    fecha_proximo_vencimiento
from stock_actual
