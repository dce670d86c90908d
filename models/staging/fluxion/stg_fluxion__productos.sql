with source as (

    select * from {{ legacy('fluxion', 'productos') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('categoria_id', 'text') }} as categoria_id,

        -- text
        {{ legacy_value('codigo', 'text') }} as codigo,
        {{ legacy_value('codigo_barras', 'text') }} as codigo_barras,
        {{ legacy_value('codigo_proveedor', 'text') }} as codigo_proveedor,
        {{ legacy_value('descripcion', 'text') }} as descripcion,
        {{ legacy_value('descripcion_corta', 'text') }} as descripcion_corta,
        {{ legacy_value('descripcion_extendida', 'text') }}
            as descripcion_extendida,
        {{ legacy_value('categoria', 'text') }} as categoria,
        {{ legacy_value('subcategoria', 'text') }} as subcategoria,
        {{ legacy_value('grupo', 'text') }} as grupo,
        {{ legacy_value('subgrupo', 'text') }} as subgrupo,
        {{ legacy_value('linea', 'text') }} as linea,
        {{ legacy_value('marca', 'text') }} as marca,
        {{ legacy_value('fabricante', 'text') }} as fabricante,
        {{ legacy_value('modelo', 'text') }} as modelo,
        {{ legacy_value('presentacion', 'text') }} as presentacion,
        {{ legacy_value('unidad_medida', 'text') }} as unidad_medida,
        {{ legacy_value('estacionalidad', 'text') }} as estacionalidad,
        {{ legacy_value('patron_demanda', 'text') }} as patron_demanda,
        {{ legacy_value('abc_classification', 'text') }} as abc_classification,
        {{ legacy_value('xyz_classification', 'text') }} as xyz_classification,
        {{ legacy_value('conjunto_sustituible', 'text') }}
            as conjunto_sustituible,

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
