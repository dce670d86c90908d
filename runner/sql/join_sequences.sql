-- Lets a sequence go on from where another one stands, if that is further.
select pg_catalog.setval({name}::regclass, theirs.last_value, true)
from {theirs} as theirs
cross join {mine} as mine
where
    theirs.is_called
    and (
        theirs.last_value > mine.last_value
        or (theirs.last_value = mine.last_value and not mine.is_called)
    )
