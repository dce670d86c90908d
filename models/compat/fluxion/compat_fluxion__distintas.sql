{%- set legacy = ref('compat_fluxion__sumas_legado') -%}
{%- set shown = ref('compat_fluxion__sumas_destino') -%}
{%- set shown_lines = ref('compat_fluxion__sumas_lineas') -%}
{%- set totals = ref('compat_fluxion__totales') -%}
{%- for table in proved_tables('fluxion') %}
{{ and_then() if not loop.first }}
-- depends_on: {{ ref('compat_fluxion__' ~ table) }}
{%- if execute %}
{{ differing_keys(
    graph.nodes['model.traspaso.compat_fluxion__' ~ table], legacy,
    shown_lines if table == 'items_facturas' else shown, totals
) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
