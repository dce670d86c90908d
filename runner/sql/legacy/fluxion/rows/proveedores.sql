insert into proveedores
select
    supplier(n) as id,
    'PV' || n + 1 as codigo,
    'Distribuidora Peña ' || n + 1 || ', C.A.' as nombre,
    'J-' || lpad((30000000 + n)::varchar, 9, '0') as rif,
    if(n % 4 = 0, null, 'Zona industrial, galpón ' || n) as direccion,
    '+58 241-' || lpad(pick('phone', n, 10000000)::varchar, 7, '0') as telefono,
    'ventas' || n || '@proveedor.example' as email,
    'Señora Núñez' as contacto_principal,
    n % 4 * 15 as dias_credito,
    money('discount', n, 0, 500) as descuento_pronto_pago,
    money('order', n, 10000, 9000000) as monto_minimo_pedido,
    1 + n % 15 as lead_time_promedio,
    '135' as dias_entrega,
    time '08:15:30.5' as horario_recepcion_pedidos,
    n % 2 = 0 as acepta_pedidos_urgentes,
    1 + n % 5 as calificacion_calidad,
    1 + n % 4 as calificacion_servicio,
    if(n % 7 = 0, null, 5) as calificacion_precio,
    n % 13 <> 12 as activo,
    moment('created', n) as created_at,
    moment('created', n) as updated_at
from range(getvariable('first'), getvariable('past')) as numbers (n);
