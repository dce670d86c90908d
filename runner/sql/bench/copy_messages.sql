-- A table like it, with its rows, its keys and its indexes, to write to in turns.
create schema copia;
create table copia.messages (like public.messages including all);
insert into copia.messages
select * from public.messages;
