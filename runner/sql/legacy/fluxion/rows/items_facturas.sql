insert into items_facturas
select
    invoice(f) || '_' || n - first_line(f) + 1 as id,
    invoice(f) as factura_id,
    invoice_number(f) as numero_factura,
    product(p) as producto_id,
    invoice_moment(f) as fecha_hora,
    invoice_date(f) as fecha,
    product_code(p) as codigo_producto,
    description(p) as descripcion_producto,
    category(p) as categoria_producto,
    brand(p) as marca_producto,
    null as modelo_producto,
    ['1 kg', '500 g', '900 ml', 'paquete de 6'][p % 4 + 1] as presentacion,
    quantity('quantity', n, 1, 120000) as cantidad,
    quantity('price', n, 9000, 1900000) as precio_unitario,
    money('total', n, 90, 190000) as precio_total,
    if(rate('discount', n, 8), money('less', n, 1, 500), 0) as descuento,
    quantity('cost', n, 5000, 900000) as costo_unitario,
    money('costs', n, 50, 90000) as costo_total,
    money('total', n, 90, 190000) - money('costs', n, 50, 90000) as margen
from (
    select n, invoice_of(n) as f, some_product('line', n) as p
    from range(getvariable('first'), getvariable('past')) as numbers (n)
);
