-- What a scratch restore must create again, and whether it can: a trusted extension needs only
-- CREATE on the database, which who made that database has.
select
    e.extname as name,
    e.extversion as version,
    a.name is not null as is_available,
    coalesce(v.trusted or not v.superuser, false) or r.rolsuper as may_create
from pg_catalog.pg_extension as e
inner join pg_catalog.pg_roles as r on r.rolname = current_user
left join pg_catalog.pg_available_extensions as a on a.name = e.extname
left join pg_catalog.pg_available_extension_versions as v
    on v.name = a.name and v.version = a.default_version
where e.extname <> 'plpgsql'
order by e.extname
