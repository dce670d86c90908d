-- Who used the views under the legacy names, and when last.
select
    view_name,
    kind,
    role,
    application,
    max(used_at) as used_at
from traspaso.uses
where system = %(system)s
group by view_name, kind, role, application
order by view_name, kind, used_at desc
