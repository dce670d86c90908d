{#
    From the switch on, what is written to a final table is noted in `traspaso.changes`
    under the key of the legacy row that it stands for: as a write that the legacy has
    not got yet. Returns the statements: a function, and its triggers.

    contract  see target_contract
#}
{% macro capture_final(contract) -%}
    {%- set relation = final_relation(contract) -%}
    {%- set name = adapter.quote(('captura_final_' ~ contract.system ~ '_' ~ contract.table)[:63]) -%}
    {%- set notes = [] -%}
    {%- for row, condition in [('new', "tg_op <> 'DELETE'"), ('old', "tg_op <> 'INSERT'")] -%}
        {%- set note -%}
    if {{ condition }}
        {%- if row == 'old' %} and (tg_op = 'DELETE' or ({{ _fields('old', contract.load_key) }}) is distinct from ({{ _fields('new', contract.load_key) }})){% endif %} then
        insert into traspaso.changes (system, source_table, source_key, operation)
        values
        {%- for table in contract.sources %}
        ('{{ contract.system }}', '{{ table }}', {{ _key_of(contract, row) }}, lower(left(tg_op, 1))){{ ',' if not loop.last }}
        {%- endfor %};
    end if;
        {%- endset -%}
        {%- do notes.append(note) -%}
    {%- endfor -%}
    {{ return([
        'create function traspaso.' ~ name ~ '() returns trigger language plpgsql'
        ~ " security definer set search_path = pg_catalog, pg_temp as $traspaso$\nbegin\n    if tg_op = 'TRUNCATE' then\n"
        ~ '        insert into traspaso.changes (system, source_table, source_key, operation) values '
        ~ _whole_tables(contract) ~ ';\n        return null;\n    end if;\n    '
        ~ notes | join('\n    ') ~ '\n    return null;\nend\n$traspaso$',
        'create trigger traspaso_captura_final after insert or update or delete on ' ~ relation
        ~ ' for each row execute function traspaso.' ~ name ~ '()',
        'create trigger traspaso_captura_final_vaciado after truncate on ' ~ relation
        ~ ' for each statement execute function traspaso.' ~ name ~ '()',
    ]) }}
{%- endmacro %}

{% macro _whole_tables(contract) -%}
    {%- set rows = [] -%}
    {%- for table in contract.sources -%}
        {%- do rows.append("('" ~ contract.system ~ "', '" ~ table ~ "', null, 't')") -%}
    {%- endfor -%}
    {{ return(rows | join(', ')) }}
{%- endmacro %}
