update traspaso.steps
set
    detail = case
        when %(value)s::jsonb is null then detail - %(key)s::text
        else detail || jsonb_build_object(%(key)s::text, %(value)s::jsonb)
    end
where system = %(system)s and phase = %(phase)s and step = %(step)s
