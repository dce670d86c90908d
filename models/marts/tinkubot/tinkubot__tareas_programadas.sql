with task_queue as (

    select * from {{ ref('stg_tinkubot__task_queue') }}

)

select
    -- ids
    task_queue.id,

    -- text
    {{ mapped('tipo_tarea', 'task_queue.task_type') }} as tipo_tarea,
    {{ mapped('estado_tarea', 'task_queue.status') }} as estado,
    task_queue.error_message as mensaje_error,

    -- numerics
    task_queue.priority as prioridad,
    task_queue.retry_count as intentos,
    task_queue.max_retries as max_intentos,

    -- json
    task_queue.payload,

    -- timestamps
    task_queue.scheduled_at as programada_at,
    task_queue.started_at as iniciada_at,
    task_queue.completed_at as completada_at,
    task_queue.created_at as creado_at,

    -- evidence
    task_queue.task_type as raw__tipo_tarea,
    task_queue.status as raw__estado,
    'task_queue' as _source_table,
    task_queue._source_key,
    task_queue._source_row
from task_queue
{{ join_value_map('tinkubot', 'tipo_tarea', 'task_queue.task_type') }}
{{ join_value_map('tinkubot', 'estado_tarea', 'task_queue.status') }}
