{#
    Puts the unique keys back where no two rows share one, which is the common case: to
    look for such rows first would take as long as to build the keys. Where some do, none
    of the keys is back, and the rows must be parted: see resolve_collisions.

    relation  the table, loaded
    keys      what take_keys_off returned; without the unique ones when they are back

    Returns whether they are.
#}
{% macro put_unique_keys_back(relation, keys) -%}
    {%- do load_step(
        'do $traspaso$ begin ' ~ keys.unique | join('; ') ~ ';'
        ~ ' exception when unique_violation then null; end $traspaso$'
    ) -%}
    {%- set is_back = load_step(
        "select count(*) = " ~ keys.unique | length ~ " from pg_constraint"
        ~ " where conrelid = '" ~ relation ~ "'::regclass and contype in ('p', 'u', 'x')"
    ).rows[0][0] -%}
    {%- if is_back -%}
        {%- do keys.update({'unique': []}) -%}
    {%- endif -%}
    {{ return(is_back) }}
{%- endmacro %}
