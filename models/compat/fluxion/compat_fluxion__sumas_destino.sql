{%- set tables = proved_tables('fluxion')
    | reject('equalto', 'items_facturas') | list -%}
{{ each_model('compat_fluxion__', tables, shown_sums, and_then()) }}
{%- if not tables %}
{{ no_sums() }}
{%- endif %}
