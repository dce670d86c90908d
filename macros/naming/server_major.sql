{# The server's major version, 18 for example; 0 where the engine has none. #}
{% macro server_major() -%}
    {{ return(target_dispatch('server_major')()) }}
{%- endmacro %}

{% macro default__server_major() -%}
    {{ return(0) }}
{%- endmacro %}

{% macro postgres__server_major() -%}
    {%- set found = target_query(
        "select current_setting('server_version_num')::integer / 10000"
    ) -%}
    {{ return(found.rows[0][0] | int) }}
{%- endmacro %}
