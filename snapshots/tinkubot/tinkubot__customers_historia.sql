{% snapshot tinkubot__customers_historia %}

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
