{%- set tables = proof_share('fluxion', 2, of=2) -%}
{{ each_model('compat_fluxion__', tables, legacy_sums, and_then()) }}
{%- if not tables %}
{{ no_sums() }}
{%- endif %}
