{%- call(node) each_model(
    'compat_fluxion__', proved_tables('fluxion'),
    between=and_then()
) -%}
{{ legacy_sums(node) }}
{%- endcall %}
