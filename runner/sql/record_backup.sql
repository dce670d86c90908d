insert into traspaso.backups as b (
    id, system, phase, path, bytes, sha256, manifest, created_at
)
values (
    %(id)s, %(system)s, %(phase)s, %(path)s, %(bytes)s, %(sha256)s, %(manifest)s, %(created_at)s
)
on conflict (id) do update set path = excluded.path
