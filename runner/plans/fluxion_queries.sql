-- Fluxion's critical queries, by which it is measured what PostgreSQL makes of them. What `$n`
-- stands for is chosen from the rows that were loaded.

-- name: ventas por ubicación, últimos 30 días
-- choose: select max(fecha) - 30 from facturas where fecha <= current_date
select
    ubicacion_id,
    sum(total_usd) as total_ventas
from facturas
where fecha >= $1
group by ubicacion_id;

-- name: stock bajo de una ubicación
-- choose: select ubicacion_id, 10 from stock_actual group by 1 order by count(*) desc, 1 limit 1
select
    producto_id,
    cantidad,
    cantidad_reservada,
    cantidad_disponible,
    ultima_venta,
    demanda_30_dias,
    requiere_reposicion
from stock_actual
where
    ubicacion_id = $1
    and cantidad <= $2;

-- name: productos más vendidos, últimos 30 días
-- choose: select max(fecha) - 30, max(fecha) from items_facturas where fecha <= current_date
select
    producto_id,
    sum(cantidad) as total_vendido
from items_facturas
where fecha between $1 and $2
group by producto_id
order by total_vendido desc, producto_id collate "C"
limit 100;
