with productos as (

    select * from {{ ref('fluxion__productos') }}

)

select
    id::text as id,
    codigo::text as codigo,
    codigo_barras::text as codigo_barras,
    codigo_proveedor::text as codigo_proveedor,
    descripcion::text as descripcion,
    descripcion_corta::text as descripcion_corta,
    descripcion_extendida,
    categoria_id::text as categoria_id,
    categoria::text as categoria,
    subcategoria::text as subcategoria,
    grupo::text as grupo,
    subgrupo::text as subgrupo,
    linea::text as linea,
    marca::text as marca,
    fabricante::text as fabricante,
    modelo::text as modelo,
    presentacion::text as presentacion,
    peso_unidad,
    volumen_unidad,
    unidad_medida::text as unidad_medida,
    costo_promedio,
    precio_sugerido,
    margen_sugerido,
    dias_vencimiento,
    es_perecedero,
    requiere_refrigeracion,
    requiere_lote,
    estacionalidad::text as estacionalidad,
    patron_demanda::text as patron_demanda,
    abc_classification::text as abc_classification,
    xyz_classification::text as xyz_classification,
    conjunto_sustituible::text as conjunto_sustituible,
    es_lider_conjunto,
    activo,
    discontinuado,
    fecha_discontinuacion,
    created_at,
    updated_at
from productos
