-- depends_on: {{ ref('compat_fluxion__sumas_legado') }}
-- depends_on: {{ ref('compat_fluxion__distintas') }}
{%- for table in proved_tables('fluxion') %}
{{ and_then() if not loop.first }}
-- depends_on: {{ ref('compat_fluxion__' ~ table) }}
{%- if execute %}
{{ table_balance(graph.nodes['model.traspaso.compat_fluxion__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
