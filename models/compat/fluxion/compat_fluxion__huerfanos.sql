{%- set tables = [
    'producto_ubicacion_config', 'producto_proveedor_config', 'facturas',
    'items_facturas', 'movimientos_inventario', 'stock_actual',
] -%}
{{ each_model('fluxion__', tables, table_orphans) }}
