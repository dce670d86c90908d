{#
    Locks tables against everybody. A lock behind which only the server's own maintenance
    queues is taken first, and waited for longer: autovacuum gives way to whoever waits
    for it, but not before deadlock_timeout, which is as long as lock_timeout is here.

    tables  their names
#}
{% macro lock_strongly(tables) -%}
    {%- set before = load_step("select current_setting('lock_timeout')").rows[0][0] -%}
    {%- do load_step("set local lock_timeout = '5s'") -%}
    {%- do load_step(
        'lock table ' ~ tables | join(', ') ~ ' in share update exclusive mode'
    ) -%}
    {%- do load_step("set local lock_timeout = '" ~ before ~ "'") -%}
    {%- do load_step(
        'lock table ' ~ tables | join(', ') ~ ' in access exclusive mode'
    ) -%}
{%- endmacro %}
