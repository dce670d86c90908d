-- What applications write after the switch, so that the way back has work: by the English names…
update public.messages
set content = content || ' (por la vista)'
where id in (
    select m.id from public.messages as m where m.phone is not null order by m.id limit 8
);

delete from public.messages
where id in (select m.id from public.messages as m order by m.id desc limit 3);

insert into public.messages (phone, message_type, content, processing_status, is_bot)
select '+5939912346' || (10 + n), 'text', 'vista ' || n, 'pending', n % 2 = 0
from generate_series(1, 5) as n;

insert into public.users (phone_number, name, user_type, status, city)
select '+5939812346' || (10 + n), 'Vista ' || n, 'provider', 'active', 'Macas'
from generate_series(1, 5) as n;

update public.users
set city = 'Puyo'
where id in (
    select u.id from public.users as u where u.user_type = 'provider' order by u.id limit 6
);

delete from public.users
where id in (
    select s.provider_id
    from public.provider_services as s
    where not exists (
        select from traspaso.row_fates as fate
        where fate.fate = 'merged' and fate.target_key = s.provider_id::text
    )
    order by 1
    limit 1
);

update public.customers
set notes = notes || '{"vista": [1]}'
where id in (select c.id from public.customers as c order by c.id limit 4);

insert into public.customers (phone_number, full_name, has_consent)
values ('+593961234588', 'Por la vista', true);

update public.sessions
set status = 'inactive'
where id in (select s.id from public.sessions as s order by s.id limit 2);

insert into public.task_queue (task_type, payload, scheduled_at, priority)
values ('reminder', '{}', now(), 3);

update public.provider_services
set price = 12.5
where id in (select s.id from public.provider_services as s order by s.id limit 3);

insert into public.professions (name, category)
values ('Relojera', 'hogar');

-- … and by the Spanish ones.
insert into public.proveedores (telefono, nombre, estado, ciudad)
values ('+593981239900', 'En español', 'activo', 'Ibarra');

insert into public.servicios_proveedor (proveedor_id, titulo, precio, tipo_precio)
select p.id, 'Soldar', 8, 'fijo' from public.proveedores as p order by p.id limit 2;

update public.clientes
set ciudad = 'Tulcán'
where id in (select c.id from public.clientes as c order by c.id desc limit 5);

insert into public.mensajes (telefono, tipo_mensaje, contenido)
select '+59399123470' || n, 'texto', 'en español' from generate_series(1, 3) as n;

update public.mensajes
set estado_procesamiento = 'error'
where id in (select m.id from public.mensajes as m order by m.id limit 4);

delete from public.tareas_programadas
where id in (select t.id from public.tareas_programadas as t order by t.id desc limit 2);

update public.profesiones
set esta_activo = false
where id = (select min(p.id) from public.profesiones as p);
