{%- for table in var('legacy_keys')['tinkubot'] %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('tinkubot__' ~ table) }}
{%- if execute %}
{{ table_differences(graph.nodes['model.traspaso.tinkubot__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
