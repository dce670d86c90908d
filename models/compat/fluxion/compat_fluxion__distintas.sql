{%- set legacy = ref('compat_fluxion__sumas_legado') -%}
{%- set shown = ref('compat_fluxion__sumas_destino') -%}
{%- for table in proved_tables('fluxion') %}
{{ 'union all' if not loop.first }}
-- depends_on: {{ ref('compat_fluxion__' ~ table) }}
{%- if execute %}
{{ differing_keys(
    graph.nodes['model.traspaso.compat_fluxion__' ~ table], legacy, shown
) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
