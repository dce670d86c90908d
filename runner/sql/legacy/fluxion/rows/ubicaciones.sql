insert into ubicaciones
select
    location(n) as id,
    if(n < 14, numbered('T', n + 1, 2), numbered('C', n - 13, 2)) as codigo,
    if(n < 14, 'Tienda El Ávila ' || n + 1, 'CEDI Guacara ' || n - 13) as nombre,
    if(n < 14, 'tienda', 'cedi') as tipo,
    ['Carabobo', 'Aragua', 'Distrito Capital'][n % 3 + 1] as region,
    ['Valencia', 'Maracay', 'Caracas'][n % 3 + 1] as ciudad,
    'Av. Bolívar Norte, nº ' || n as direccion,
    (10.1 + n * 0.012345)::decimal(10, 6) as latitud,
    (-68.0 - n * 0.012345)::decimal(10, 6) as longitud,
    money('area', n, 40000, 500000) as superficie_m2,
    if(n < 14, null, 12000.5) as capacidad_almacenamiento_m3,
    pick('capacity', n, 60000) as capacidad_maxima_productos,
    time '07:30:00' as horario_apertura,
    if(n = 0, time '24:00:00', time '21:00:00') as horario_cierre,
    if(n % 5 = 0, '123456', '1234567') as dias_operacion,
    'America/Caracas' as zona_horaria,
    5 + n % 4 as dias_reposicion_promedio,
    1.5 as factor_seguridad,
    n <> 13 as activo,
    moment('created', n) as created_at,
    timestamp '2024-06-01 10:00:00.25' as updated_at
from range(getvariable('first'), getvariable('past')) as numbers (n);
