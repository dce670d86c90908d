{#
    Locks weakly tables that are to be locked strongly: nobody queues behind this lock but
    the server's own maintenance, and it is waited for longer. Autovacuum gives way to
    whoever waits for it, but not before deadlock_timeout, which is as long as lock_timeout
    is where others would queue.

    tables  their names
#}
{% macro keep_maintenance_off(tables) -%}
    {%- set before = load_step("select current_setting('lock_timeout')").rows[0][0] -%}
    {%- do load_step("set local lock_timeout = '5s'") -%}
    {%- do load_step(
        'lock table ' ~ tables | join(', ') ~ ' in share update exclusive mode'
    ) -%}
    {%- do load_step("set local lock_timeout = '" ~ before ~ "'") -%}
{%- endmacro %}
