with source as (

    select * from {{ ref('tinkubot__valores') }}

),

keyed as (

    select
        mapa,
        ingles as clave,
        espanol
    from source

    union

    select
        mapa,
        espanol as clave,
        espanol
    from source

)

select * from keyed
