{%- set tables = [
    'producto_ubicacion_config', 'producto_proveedor_config', 'facturas',
    'items_facturas', 'movimientos_inventario', 'stock_actual',
] -%}
{%- for table in tables %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('fluxion__' ~ table) }}
{%- if execute %}
{{ table_orphans(graph.nodes['model.traspaso.fluxion__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
