{#
    The contract of a final table in one shape that the DDL, the load and the
    reasons are all derived from.

    node  the model, as in `graph` or the context's `model`

    Returns a dict:
    columns       [{name, type, not_null, default, serial, checks, source, map,
                  repair, length, precision, scale}], in their order;
                  checks are [{name, expression}]
    primary_key   {name, columns} or none
    uniques       [{name, columns}]
    foreign_keys  [{name, columns, to, to_columns, on_delete}]
    indexes       [{name, columns, where, method, unique}]
    partition_by  {column, every, enabled}: how the table can be partitioned, or none
    partition     {column, every}: how it is partitioned, or none; target_table sets it,
                  see partition_of
    load_key      columns by which a row is found again: the primary key, or what
                  `meta.load_key` says where that is a sequence
    merge_on      the unique keys, as lists of columns, on which the rows that
                  collide are merged; on the others they are quarantined
    absorbs       legacy tables whose rows are known to repeat rows of another one
    keep_first    ORDER BY of the rows that collide: the first one stays
    follows       [{source, by}]: the rows look up a legacy table by a legacy column;
                  [{target, by}]: they look up a final one, {its column: theirs}
    keeps_ordinals  whether the legacy key is not unique
    requires      [{column, rule, expression}]: what must hold of the legacy row
                  but is no column of the target
#}
{% macro target_contract(node) -%}
    {%- set table = node.alias -%}
    {%- set meta = node.config.meta -%}
    {%- set keys = namespace(primary=none, uniques=[], foreign=[]) -%}
    {%- set columns = [] -%}

    {%- for column in node.columns.values() -%}
        {%- set found = namespace(not_null=false, default=none, checks=[]) -%}
        {%- set column_meta = (column.config or {}).meta or column.meta -%}
        {%- for constraint in column.constraints -%}
            {%- if constraint.type == 'not_null' -%}
                {%- set found.not_null = true -%}
            {%- elif constraint.type == 'primary_key' -%}
                {%- set found.not_null = true -%}
                {%- set keys.primary = {
                    'name': constraint.name or table ~ '_pkey', 'columns': [column.name]
                } -%}
            {%- elif constraint.type == 'unique' -%}
                {%- do keys.uniques.append({
                    'name': constraint.name or table ~ '_' ~ column.name ~ '_key',
                    'columns': [column.name]
                }) -%}
            {%- elif constraint.type == 'check' -%}
                {%- do found.checks.append({
                    'name': constraint.name or table ~ '_' ~ column.name ~ '_check',
                    'expression': constraint.expression
                }) -%}
            {%- elif constraint.type == 'foreign_key' -%}
                {%- do keys.foreign.append(
                    _foreign_key(table, constraint, [column.name])
                ) -%}
            {%- elif constraint.type == 'custom' -%}
                {%- set found.default = constraint.expression | trim -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set type = column.data_type | lower -%}
        {%- set size = modules.re.search('\\(\\s*(\\d+)\\s*(?:,\\s*(\\d+)\\s*)?\\)', type) -%}
        {%- set is_text = type.startswith('varchar') or type.startswith('character varying') -%}
        {%- set is_number = type.startswith('numeric') or type.startswith('decimal') -%}
        {%- do columns.append({
            'name': column.name,
            'type': 'integer' if type == 'serial' else type,
            'serial': type == 'serial',
            'not_null': found.not_null or type == 'serial',
            'default': found.default | replace('default ', '', 1) if found.default else none,
            'checks': found.checks,
            'source': column_meta.source,
            'map': column_meta.map,
            'repair': column_meta.get('repair', 'value_map' if column_meta.map else 'convert'),
            'length': size.group(1) | int if is_text and size else none,
            'precision': size.group(1) | int if is_number and size else none,
            'scale': (size.group(2) or 0) | int if is_number and size else none,
            'description': column.description,
        }) -%}
    {%- endfor -%}

    {%- for constraint in node.constraints -%}
        {%- set name_of = table ~ '_' ~ constraint.columns | join('_') -%}
        {%- if constraint.type == 'primary_key' -%}
            {%- set keys.primary = {
                'name': constraint.name or table ~ '_pkey', 'columns': constraint.columns
            } -%}
        {%- elif constraint.type == 'unique' -%}
            {%- do keys.uniques.append({
                'name': constraint.name or name_of ~ '_key', 'columns': constraint.columns
            }) -%}
        {%- elif constraint.type == 'foreign_key' -%}
            {%- do keys.foreign.append(
                _foreign_key(table, constraint, constraint.columns)
            ) -%}
        {%- else -%}
            {{ exceptions.raise_compiler_error(
                "target_table: " ~ node.name ~ " has a model-level constraint of type '"
                ~ constraint.type ~ "'. Put it under its column, so that a refused row "
                ~ "names the column."
            ) }}
        {%- endif -%}
    {%- endfor -%}

    {%- if keys.primary is none -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ node.name ~ " has no primary_key constraint. A final "
            ~ "table is loaded by key: add one to its contract."
        ) }}
    {%- endif -%}

    {{ return({
        'table': table,
        'system': meta.system,
        'sources': meta.sources,
        'columns': columns,
        'primary_key': keys.primary,
        'uniques': keys.uniques,
        'foreign_keys': keys.foreign,
        'indexes': meta.get('indexes', []),
        'triggers': meta.get('triggers', []),
        'row_level_security': meta.get('row_level_security', []),
        'partition_by': _partition_by(node, columns),
        'partition': none,
        'load_key': meta.get('load_key', keys.primary.columns),
        'merge_on': meta.get('merge_on', []),
        'absorbs': meta.get('absorbs', []),
        'keep_first': meta.get('keep_first', []),
        'requires': meta.get('requires', []),
        'follows': meta.get('follows', []),
        'keeps_ordinals': _keeps_ordinals(meta),
    }) }}
{%- endmacro %}

{% macro _keeps_ordinals(meta) -%}
    {%- set found = [] -%}
    {%- for table in meta.sources if (var('legacy_keys')[meta.system] or {}).get(table, {}).order_by -%}
        {%- do found.append(table) -%}
    {%- endfor -%}
    {{ return(found != []) }}
{%- endmacro %}

{% macro _foreign_key(table, constraint, columns) -%}
    {{ return({
        'name': constraint.name or table ~ '_' ~ columns | join('_') ~ '_fkey',
        'columns': columns,
        'to': constraint.to,
        'to_columns': constraint.to_columns,
        'on_delete': constraint.expression or '',
    }) }}
{%- endmacro %}
