with productos as (

    select * from {{ ref('stg_fluxion__productos') }}

)

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
    peso_unidad,
    volumen_unidad,
    costo_promedio,
    precio_sugerido,
    margen_sugerido,
    dias_vencimiento,

    -- booleans
    es_perecedero,
    requiere_refrigeracion,
    requiere_lote,
    es_lider_conjunto,
    activo,
    discontinuado,

    -- dates and times
    fecha_discontinuacion,
    created_at,
    updated_at,

    -- evidence
    {{ converted_values('fluxion', 'productos', 'raw__', 'raw_') }}
    'productos' as _source_table,
    _source_key,
    _source_row
from productos
