-- depends_on: {{ ref('compat_fluxion__sumas_legado') }}
-- depends_on: {{ ref('compat_fluxion__distintas') }}
{%- call(node) each_model(
    'compat_fluxion__', proved_tables('fluxion'),
    between=and_then()
) -%}
{{ table_balance(node) }}
{%- endcall %}
