{%- set tables = [
    'proveedor_profesiones', 'servicios_proveedor', 'solicitudes_servicio',
    'consentimientos',
] -%}
{{ each_model('tinkubot__', tables, table_orphans) }}
