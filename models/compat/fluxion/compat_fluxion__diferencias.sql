{%- for table in var('legacy_keys')['fluxion'] %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('compat_fluxion__' ~ table) }}
{%- if execute %}
{{ table_differences(graph.nodes['model.traspaso.compat_fluxion__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
