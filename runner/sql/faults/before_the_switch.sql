-- What an application writes to the legacy tables before the switch, so that it has work.
-- Nothing here draws a number from a sequence of a Spanish table: one that is drawn in vain is not
-- given back, as everywhere in PostgreSQL, and two runs would differ in it.
update public.messages
set content = content || ' (editado)'
where id in (select m.id from public.messages as m order by m.id limit 9);

delete from public.messages
where id in (select m.id from public.messages as m order by m.id desc limit 4);

insert into public.messages (phone, message_type, content, processing_status)
select '09912345' || (10 + n), 'text', 'tarde ' || n, 'pending' from generate_series(1, 6) as n;

insert into public.users (phone_number, name, user_type, status, city)
select
    '09812345' || (10 + n),
    'Tarde ' || n,
    case when n < 4 then 'provider' else 'client' end,
    'active',
    'Loja'
from generate_series(1, 6) as n;

update public.users
set city = 'Zaruma'
where id in (select u.id from public.users as u order by u.id limit 7);

delete from public.users
where id in (select s.provider_id from public.provider_services as s order by 1 limit 1);

update public.customers
set full_name = 'Cambiada'
where id in (select c.id from public.customers as c order by c.id limit 5);

insert into public.customers (phone_number, full_name, has_consent)
values ('0961234599', 'Nueva', true);

update public.sessions
set status = 'expired'
where id in (select s.id from public.sessions as s order by s.id limit 3);

update public.task_queue
set priority = 7, status = 'completed'
where id in (select t.id from public.task_queue as t order by t.id limit 4);

insert into public.professions (name, category)
values ('Vulcanizador', 'hogar');
