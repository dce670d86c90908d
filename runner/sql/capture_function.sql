-- Notes the key of each row that the application writes, in the application's own transaction.
create or replace function traspaso.{function}() returns trigger
language plpgsql security definer set search_path = '' as $captura$
begin
    if tg_op = 'TRUNCATE' then
        insert into traspaso.changes (system, source_table, source_key, operation)
        values ({system}, {table}, null, 't');
    elsif tg_op = 'INSERT' then
        insert into traspaso.changes (system, source_table, source_key, operation)
        values ({system}, {table}, {new_key}, 'i');
    elsif tg_op = 'DELETE' then
        insert into traspaso.changes (system, source_table, source_key, operation)
        values ({system}, {table}, {old_key}, 'd');
    else
        insert into traspaso.changes (system, source_table, source_key, operation)
        values ({system}, {table}, {new_key}, 'u');
        if {old_key} <> {new_key} then
            insert into traspaso.changes (system, source_table, source_key, operation)
            values ({system}, {table}, {old_key}, 'u');
        end if;
    end if;
    return null;
end
$captura$
