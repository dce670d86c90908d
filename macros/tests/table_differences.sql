{#
    The rows of one legacy table that do not survive the round trip, with the columns
    that differ: source_table, source_key, problem, columns.

    node  the compat model, as in `graph`
#}
{% macro table_differences(node) -%}
    {{ target_dispatch('table_differences')(node) }}
{%- endmacro %}

{% macro default__table_differences(node, legacy=none, shown=none) -%}
    {%- set columns = node.columns.values() | list -%}
    select
        '{{ node.config.meta.source_table }}' as source_table,
        source_key,
        case
            when not is_shown then 'no fate'
            when not is_legacy then 'no legacy row'
            else 'differs'
        end as problem,
        {{ filtered_texts(columns) }} as columns
    from ({{ compared_rows(node, texts=true, legacy=legacy, shown=shown) }}) as compared
    where differs or not is_shown or not is_legacy
    union all
    select
        fate.source_table,
        fate.source_key,
        'kept otherwise in row_fates' as problem,
        null::text[] as columns
    from {{ _fates_of_rows(node, legacy) }}
        and {{ is_kept_otherwise('fate', 'legacy') }}
{%- endmacro %}
