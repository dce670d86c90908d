insert into producto_proveedor_config
select
    'pp_' || n + 1 as id,
    product(n // 3) as producto_id,
    supplier((n // 3 + n % 3) % getvariable('proveedores')) as proveedor_id,
    'COD' || n as codigo_proveedor,
    description(n // 3) as descripcion_proveedor,
    quantity('price', n, 5000, 900000) as precio_compra,
    quantity('before', n, 5000, 900000) as precio_anterior,
    date '2024-01-01' + (n % 300)::integer as fecha_ultimo_precio,
    if(n % 4 = 0, 'USD', 'VES') as moneda,
    1 as cantidad_minima,
    6 as multiple_compra,
    7 as lead_time_dias,
    n % 3 = 0 as es_proveedor_principal,
    1 + n % 3 as orden_preferencia,
    true as activo,
    moment('created', n) as created_at,
    moment('created', n) as updated_at
from range(getvariable('first'), getvariable('past')) as numbers (n);
