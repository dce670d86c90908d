insert into conjuntos_sustituibles
select
    numbered('conj_', n + 1, 4) as id,
    words(n) || ' ' || n as nombre,
    if(n % 4 = 0, null, 'Se sustituyen entre sí') as descripcion,
    category(n) as categoria,
    if(n % 6 = 0, 'complementarios', 'sustituibles') as tipo_conjunto,
    true as activo,
    moment('created', n) as fecha_creacion,
    moment('created', n) as fecha_modificacion
from range(getvariable('first'), getvariable('past')) as numbers (n);
