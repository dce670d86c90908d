-- What the rows are made of. Everything follows from the seed and a row's number: a line knows its
-- invoice without reading it. Variables: seed, and for each table the number of its rows.

create temp macro noise(salt, n) as hash(getvariable('seed'), salt, n);

create temp macro pick(salt, n, k) as (noise(salt, n) % k)::bigint;

create temp macro rate(salt, n, percent) as pick(salt, n, 100) < percent;

-- Cents and ten-thousandths, from low to below high.
create temp macro money(salt, n, low, high) as
    ((low + pick(salt, n, high - low))::decimal(16, 0) * 0.01)::decimal(18, 2);

create temp macro quantity(salt, n, low, high) as
    ((low + pick(salt, n, high - low))::decimal(12, 0) * 0.0001)::decimal(12, 4);

create temp macro numbered(prefix, n, width) as prefix || lpad(n::varchar, width, '0');

create temp macro moment(salt, n) as
    timestamp '2022-01-01' + to_microseconds(pick(salt, n, 31536000000000));

create temp macro location(n) as
    if(n < 14, numbered('tienda_', n + 1, 2), numbered('cedi_', n - 13, 2));

create temp macro supplier(n) as numbered('prov_', n + 1, 5);

create temp macro product(n) as numbered('prod_', n + 1, 6);

create temp macro product_code(n) as numbered('0', n + 1, 6);

-- Some are sold much more than others.
create temp macro some_product(salt, n) as
    pick(salt, n, getvariable('productos')) * pick(salt || '2', n, getvariable('productos'))
    // getvariable('productos');

create temp macro category(n) as
    ['Víveres', 'Charcutería', 'Lácteos', 'Panadería', 'Licores', 'Limpieza', 'Higiene', 'Frutas',
     'Carnes', 'Mascotas'][n % 10 + 1];

create temp macro brand(n) as
    ['Polar', 'Mavesa', 'Ávila', 'La Montserratina', 'Ñandú', 'Purolomo', null][pick('brand', n, 7) + 1];

create temp macro words(n) as
    ['Harina de maíz', 'Café molido', 'Jamón de espalda', 'Queso blanco', 'Leche en polvo',
     'Pañales', 'Atún', 'Plátano', 'Ron añejo', 'Detergente', 'Yogur de piña'][n % 11 + 1];

create temp macro description(n) as words(n) || ' ' || coalesce(brand(n), 'genérico') || ' ' || n;

create temp macro invoice_of(line) as line * getvariable('facturas') // getvariable('items_facturas');

create temp macro first_line(n) as
    (n * getvariable('items_facturas') + getvariable('facturas') - 1) // getvariable('facturas');

create temp macro invoice_location(n) as location(pick('invoice', n, 14));

create temp macro invoice_number(n) as numbered('', n + 1, 9);

create temp macro invoice(n) as invoice_location(n) || '_' || invoice_number(n);

-- Two years, in order of days.
create temp macro invoice_date(n) as date '2023-01-01' + (n * 730 // getvariable('facturas'))::integer;

create temp macro invoice_moment(n) as
    invoice_date(n)::timestamp + to_seconds(25200 + pick('second', n, 50400));
