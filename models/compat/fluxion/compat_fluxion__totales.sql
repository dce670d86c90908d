{%- call(node) each_model(
    'compat_fluxion__', proved_tables('fluxion'),
    between=and_then()
) -%}
{{ compared_totals(node) }}
{%- endcall %}
