{#
    True of a row of the evidence whose JSON is not the legacy row's: when the legacy is
    gone it is all that is left of the row. Where a file is the legacy it stays; its JSON
    and PostgreSQL's are not spelt alike, and are not compared.

    fate    alias of traspaso.row_fates
    legacy  alias of the legacy rows, with what whole_row adds
#}
{% macro is_kept_otherwise(fate, legacy) -%}
    {{ adapter.dispatch('is_kept_otherwise', 'traspaso')(fate, legacy) }}
{%- endmacro %}

{% macro default__is_kept_otherwise(fate, legacy) -%}
    false
{%- endmacro %}

{# The row is made JSON after the join: only of the few that have a fate. #}
{% macro postgres__is_kept_otherwise(fate, legacy) -%}
    {{ legacy }}.source_key is not null
    and {{ fate }}.row is distinct from {{ source_row(legacy ~ '.legacy_row') }}
{%- endmacro %}

{# A further column of the legacy rows: the row as a whole. #}
{% macro whole_row(alias) -%}
    {{ adapter.dispatch('whole_row', 'traspaso')(alias) }}
{%- endmacro %}

{% macro default__whole_row(alias) -%}{%- endmacro %}

{% macro postgres__whole_row(alias) -%}
    , {{ alias }}
{%- endmacro %}
