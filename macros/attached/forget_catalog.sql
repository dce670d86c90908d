{#
    Lets DuckDB look at the attached PostgreSQL anew: what was created by PostgreSQL's
    own words it does not know, and the next command of this process must. At the end of
    a run, when nobody reads.
#}
{% macro forget_catalog() -%}
    {%- if execute and is_attached() -%}
        call pg_clear_cache()
    {%- endif -%}
{%- endmacro %}
