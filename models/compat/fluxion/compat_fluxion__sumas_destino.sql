{%- set tables = proved_tables('fluxion')
    | reject('equalto', 'items_facturas') | list -%}
{%- for table in tables %}
{{ and_then() if not loop.first }}
-- depends_on: {{ ref('compat_fluxion__' ~ table) }}
{%- if execute %}
{{ shown_sums(graph.nodes['model.traspaso.compat_fluxion__' ~ table]) }}
{%- else %}
select 1
{%- endif %}
{%- endfor %}
{%- if not tables %}
{{ no_sums() }}
{%- endif %}
