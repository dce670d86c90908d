{% snapshot tinkubot__users_historia %}
    {{ config(
        unique_key='id',
        strategy='check',
        check_cols=[
            'phone_number', 'name', 'user_type', 'email', 'business_name',
            'business_description', 'address', 'city', 'country', 'latitude',
            'longitude', 'status', 'created_at', 'updated_at',
        ],
    ) }}

    select
        id,
        phone_number,
        name,
        user_type,
        email,
        business_name,
        business_description,
        address,
        city,
        country,
        latitude,
        longitude,
        status,
        created_at,
        updated_at
    from {{ legacy('tinkubot', 'users') }}
{% endsnapshot %}
