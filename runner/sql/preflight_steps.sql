select
    s.phase,
    s.step,
    s.status
from traspaso.steps as s
where s.system = %(system)s and s.phase >= %(first_phase)s
