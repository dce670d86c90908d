with source as (

    select * from {{ legacy('fluxion', 'productos') }}

),

renamed as (

    select
        -- ids
        id,
        categoria_id,

        -- text
        codigo,
        codigo_barras,
        codigo_proveedor,
        descripcion,
        descripcion_corta,
        descripcion_extendida,
        categoria,
        subcategoria,
        grupo,
        subgrupo,
        linea,
        marca,
        fabricante,
        modelo,
        presentacion,
        unidad_medida,
        estacionalidad,
        patron_demanda,
        abc_classification,
        xyz_classification,
        conjunto_sustituible,

        -- numerics
        {{ legacy_value('peso_unidad', 'decimal(10,4)') }} as peso_unidad,
        {{ legacy_value('volumen_unidad', 'decimal(10,4)') }} as volumen_unidad,
        {{ legacy_value('costo_promedio', 'decimal(12,4)') }} as costo_promedio,
        {{ legacy_value('precio_sugerido', 'decimal(12,4)') }}
            as precio_sugerido,
        {{ legacy_value('margen_sugerido', 'decimal(5,2)') }}
            as margen_sugerido,
        {{ legacy_value('dias_vencimiento', 'integer') }} as dias_vencimiento,

        -- booleans
        {{ legacy_value('es_perecedero', 'boolean') }} as es_perecedero,
        {{ legacy_value('requiere_refrigeracion', 'boolean') }}
            as requiere_refrigeracion,
        {{ legacy_value('requiere_lote', 'boolean') }} as requiere_lote,
        {{ legacy_value('es_lider_conjunto', 'boolean') }} as es_lider_conjunto,
        {{ legacy_value('activo', 'boolean') }} as activo,
        {{ legacy_value('discontinuado', 'boolean') }} as discontinuado,

        -- dates and times
        {{ legacy_value('fecha_discontinuacion', 'date') }}
            as fecha_discontinuacion,
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'productos', 'raw_') }}
        {{ source_key('fluxion', 'productos') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
