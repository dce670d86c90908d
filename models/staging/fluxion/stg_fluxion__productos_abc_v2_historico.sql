with source as (

    select * from {{ legacy('fluxion', 'productos_abc_v2_historico') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('ubicacion_id', 'text') }} as ubicacion_id,

        -- text
        {{ legacy_value('codigo_producto', 'text') }} as codigo_producto,
        {{ legacy_value('clasificacion_abc_valor', 'text') }}
            as clasificacion_abc_valor,
        {{ legacy_value('clasificacion_xyz', 'text') }} as clasificacion_xyz,
        {{ legacy_value('matriz_abc_xyz', 'text') }} as matriz_abc_xyz,

        -- numerics
        {{ legacy_value('ranking_valor', 'integer') }} as ranking_valor,
        {{ legacy_value('valor_consumo_total', 'decimal(18,2)') }}
            as valor_consumo_total,
        {{ legacy_value('porcentaje_valor', 'decimal(8,4)') }}
            as porcentaje_valor,
        {{ legacy_value('porcentaje_acumulado', 'decimal(8,4)') }}
            as porcentaje_acumulado,
        {{ legacy_value('coeficiente_variacion', 'decimal(8,4)') }}
            as coeficiente_variacion,
        {{ legacy_value('demanda_promedio_semanal', 'decimal(12,4)') }}
            as demanda_promedio_semanal,

        -- dates and times
        {{ legacy_value('fecha_calculo', 'date') }} as fecha_calculo,

        -- evidence
        {{ converted_values(
            'fluxion', 'productos_abc_v2_historico', 'raw_'
        ) }}
        {{ source_key('fluxion', 'productos_abc_v2_historico') }}
            as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
