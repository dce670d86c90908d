-- depends_on: {{ ref('compat_fluxion__items_facturas') }}
{%- if execute and 'items_facturas' in proved_tables('fluxion') %}
{{ shown_sums(graph.nodes['model.traspaso.compat_fluxion__items_facturas']) }}
{%- else %}
{{ no_sums() }}
{%- endif %}
