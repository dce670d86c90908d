{%- set tables = proved_tables('fluxion')
    | reject('equalto', 'items_facturas') | list -%}
{%- call(node) each_model(
    'compat_fluxion__', tables,
    between=and_then()
) -%}
{{ shown_sums(node) }}
{%- endcall %}
{%- if not tables %}
{{ no_sums() }}
{%- endif %}
