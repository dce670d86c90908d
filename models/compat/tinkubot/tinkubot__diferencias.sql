{%- call(node) each_model(
    'tinkubot__', var('legacy_keys')['tinkubot']
) -%}
{{ table_differences(node) }}
{%- endcall %}
