{%- set legacy = ref('compat_fluxion__sumas_legado') -%}
{%- set shown = ref('compat_fluxion__sumas_destino') -%}
{%- set shown_lines = ref('compat_fluxion__sumas_lineas') -%}
{%- set totals = ref('compat_fluxion__totales') -%}
{%- call(node) each_model(
    'compat_fluxion__', proved_tables('fluxion'),
    between=and_then()
) -%}
{{ differing_keys(
    node, legacy,
    shown_lines if node.config.meta.source_table == 'items_facturas' else shown, totals
) }}
{%- endcall %}
