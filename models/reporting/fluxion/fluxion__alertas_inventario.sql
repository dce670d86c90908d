with existencias as (

    select * from {{ ref('fluxion__stock_actual') }}

),

configuracion as (

    select * from {{ ref('fluxion__producto_ubicacion_config') }}

),

productos as (

    select * from {{ ref('fluxion__productos') }}

),

ubicaciones as (

    select * from {{ ref('fluxion__ubicaciones') }}

),

judged as (

    select
        ubicaciones.nombre as ubicacion,
        ubicaciones.tipo,
        productos.descripcion as producto,
        productos.categoria,
        existencias.cantidad as stock_actual,
        configuracion.stock_minimo,
        configuracion.stock_maximo,
        existencias.dias_sin_movimiento,
        case
            when
                existencias.cantidad <= configuracion.stock_minimo
                then 'Stock crítico'
            when existencias.dias_sin_movimiento > 60 then 'Sin movimiento'
            when
                existencias.cantidad >= configuracion.stock_maximo
                then 'Sobrestock'
            when
                existencias.fecha_proximo_vencimiento
                <= current_date + interval '30 days'
                then 'Próximo a vencer'
        end as tipo_alerta
    from existencias
    inner join configuracion
        on
            existencias.ubicacion_id = configuracion.ubicacion_id
            and existencias.producto_id = configuracion.producto_id
    inner join productos on existencias.producto_id = productos.id
    inner join ubicaciones on existencias.ubicacion_id = ubicaciones.id
    where productos.activo and configuracion.activo

)

select
    ubicacion,
    tipo,
    producto,
    categoria,
    stock_actual,
    stock_minimo,
    stock_maximo,
    dias_sin_movimiento,
    tipo_alerta,
    case tipo_alerta
        when 'Stock crítico' then 'CRITICA'
        when 'Sin movimiento' then 'MEDIA'
        when 'Sobrestock' then 'BAJA'
        when 'Próximo a vencer' then 'ALTA'
    end as prioridad
from judged
where tipo_alerta is not null
