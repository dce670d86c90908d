-- Who may do what with some views, their owner left out: 'view role PRIVILEGE'.
select concat_ws(
    ' ', c.relname,
    case when a.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(a.grantee) end,
    a.privilege_type
)
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join lateral pg_catalog.aclexplode(c.relacl) as a
where n.nspname = %(schema)s and c.relname = any(%(views)s) and a.grantee <> c.relowner
order by 1
