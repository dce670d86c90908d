-- Notes the keys of rows that the application writes, in the application's own transaction.
-- It runs as its owner but with the search_path of who writes, since to set one would cost a fifth
-- of it: every name in it is qualified, so that nobody can put another thing in its place. And
-- nobody else may put it on a table of theirs, whose types could bring a cast of their own.
create or replace function traspaso.{function}() returns trigger
language plpgsql security definer as $captura$
begin
    insert into traspaso.changes (system, source_table, source_key, operation)
    {rows};
    return null;
end
$captura$;
revoke all on function traspaso.{function}() from public
