with {{ value_map_back('tinkubot', 'tipo_tarea') }},

{{ value_map_back('tinkubot', 'estado_tarea') }}

select
    tareas_programadas.id,
    tipo_tarea.ingles::varchar(50) as task_type,
    tareas_programadas.payload,
    estado_tarea.ingles::varchar(20) as status,
    tareas_programadas.prioridad as priority,
    tareas_programadas.programada_at as scheduled_at,
    tareas_programadas.iniciada_at as started_at,
    tareas_programadas.completada_at as completed_at,
    tareas_programadas.mensaje_error as error_message,
    tareas_programadas.intentos as retry_count,
    tareas_programadas.max_intentos as max_retries,
    tareas_programadas.creado_at as created_at
from {{ ref('tinkubot__tareas_programadas') }} as tareas_programadas
{{ join_value_back('tipo_tarea', 'tareas_programadas.tipo_tarea') }}
{{ join_value_back('estado_tarea', 'tareas_programadas.estado') }}
