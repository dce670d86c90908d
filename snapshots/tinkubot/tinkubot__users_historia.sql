{% snapshot tinkubot__users_historia %}

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
