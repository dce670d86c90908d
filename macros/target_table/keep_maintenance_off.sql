{#
    Locks weakly tables that are to be locked strongly: nobody queues behind this lock but
    the server's own maintenance, and it is waited for longer. Autovacuum gives way to
    whoever waits for it, but not before deadlock_timeout, which is as long as lock_timeout
    is where others would queue.

    tables  their names
    then    a statement for after it, optional
#}
{% macro keep_maintenance_off(tables, then='') -%}
    {%- do load_step("
do $off$
declare
    patience text := current_setting('lock_timeout');
begin
    perform set_config('lock_timeout', '5s', true);
    lock table " ~ tables | join(', ') ~ " in share update exclusive mode;
    perform set_config('lock_timeout', patience, true);
    " ~ then ~ "
end
$off$
    ") -%}
{%- endmacro %}
