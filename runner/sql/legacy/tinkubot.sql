-- TinkuBot as it is in production, nine tables and consents. No name is qualified: the
-- search_path says where they go. Where no DDL is known (users, professions,
-- provider_professions, provider_services, sessions) nothing but the documented is required.

create table users (
    id uuid default gen_random_uuid() primary key,
    phone_number text,
    name text,
    user_type text,
    email text,
    business_name text,
    business_description text,
    address text,
    city text,
    country text,
    latitude numeric,
    longitude numeric,
    status text default 'active',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table customers (
    id uuid default gen_random_uuid() primary key,
    phone_number text not null unique,
    full_name text,
    city text,
    city_confirmed_at timestamptz,
    has_consent boolean default false,
    notes jsonb default '{}' not null,
    created_at timestamptz default timezone('utc', now()) not null,
    updated_at timestamptz default timezone('utc', now()) not null
);

create index idx_customers_phone_number on customers (phone_number);

create function handle_updated_at()
returns trigger language plpgsql as $body$
begin
    new.updated_at = timezone('utc', now());
    return new;
end
$body$;

create trigger trg_customers_set_updated_at
before update on customers
for each row execute function handle_updated_at();

create table professions (
    id serial primary key,
    name text,
    specialty text,
    category text,
    is_active boolean default true,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table provider_professions (
    provider_id uuid,
    profession_id integer,
    specialty text,
    experience_years integer,
    certifications text,
    is_primary boolean,
    verification_status text,
    created_at timestamptz default now()
);

create table provider_services (
    id uuid default gen_random_uuid() primary key,
    provider_id uuid,
    title text,
    description text,
    category text,
    price numeric,
    price_type text,
    availability text,
    is_active boolean default true,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table service_requests (
    id uuid default gen_random_uuid() primary key,
    phone varchar(20) not null,
    intent varchar(50) default 'service_request',
    profession varchar(100),
    location_city varchar(100),
    location_lat numeric,
    location_lng numeric,
    requested_at timestamp default now(),
    resolved_at timestamp,
    suggested_providers jsonb default '[]'
);

create table messages (
    id uuid default gen_random_uuid() primary key,
    conversation_id uuid,
    user_id uuid,
    phone varchar(20),
    message_type varchar(50),
    content text not null,
    is_bot boolean default false,
    media_url text,
    media_type text,
    ai_response text,
    processing_status text,
    metadata jsonb default '{}',
    "timestamp" timestamp default now()
);

create table sessions (
    id uuid default gen_random_uuid(),
    user_id uuid,
    session_id text,
    status text,
    qr_code text,
    session_data text,
    expires_at timestamp,
    last_activity timestamp default now(),
    created_at timestamp default now()
);

create table task_queue (
    id uuid default gen_random_uuid() primary key,
    task_type varchar(50) not null,
    payload jsonb not null,
    status varchar(20) default 'pending',
    priority integer default 0,
    scheduled_at timestamp not null,
    started_at timestamp,
    completed_at timestamp,
    error_message text,
    retry_count integer default 0,
    max_retries integer default 3,
    created_at timestamp default now()
);

create table consents (
    id uuid default gen_random_uuid() primary key,
    user_id uuid references customers (id),
    user_type varchar(20) default 'customer',
    response varchar(20) not null,
    message_log jsonb not null,
    created_at timestamp default now()
);
