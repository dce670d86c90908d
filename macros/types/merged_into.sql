{#
    The rows of a legacy table that were merged into another row of the target,
    for those that refer to them: joins `source_key` and `target_key`.
    The target's model must be a foreign key of the model that uses this, so that
    it is built first.
#}
{% macro merged_into(system, source_table, target_table) -%}
    (
        select
            source_key,
            target_key
        from {{ evidence_relation('row_fates') }}
        where
            system = '{{ system }}'
            and source_table = '{{ source_table }}'
            and target_table = '{{ target_table }}'
            and fate = 'merged'
    )
{%- endmacro %}
