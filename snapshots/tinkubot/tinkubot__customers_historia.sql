{% snapshot tinkubot__customers_historia %}
    {{ config(
        unique_key='id',
        strategy='check',
        check_cols=[
            'phone_number', 'full_name', 'city', 'city_confirmed_at', 'has_consent',
            'notes', 'created_at', 'updated_at',
        ],
    ) }}

    select
        id,
        phone_number,
        full_name,
        city,
        city_confirmed_at,
        has_consent,
        notes::text as notes,
        created_at,
        updated_at
    from {{ legacy('tinkubot', 'customers') }}
{% endsnapshot %}
