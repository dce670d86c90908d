{%- set tables = [
    'proveedor_profesiones', 'servicios_proveedor', 'solicitudes_servicio',
    'consentimientos',
] -%}
{%- for table in tables %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('tinkubot__' ~ table) }}
{%- if execute %}
{{ table_orphans(graph.nodes['model.traspaso.tinkubot__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
