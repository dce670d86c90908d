{%- set tables = [
    'users', 'customers', 'professions', 'provider_professions',
    'provider_services', 'service_requests', 'messages', 'sessions',
    'task_queue', 'consents',
] -%}
{%- for table in tables %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('tinkubot__' ~ table) }}
{%- if execute %}
{{ table_differences(graph.nodes['model.traspaso.tinkubot__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
