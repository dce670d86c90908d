"""Two states of a database, held against each other."""

from runner.catalog import Picture


def picture(*names: str) -> Picture:
    return Picture(lines=tuple((name, "as it was") for name in names), target={}, legacy={})


def test_months_that_came_to_a_table_since_are_its_own() -> None:
    before = picture("table public.ventas", "table public.ventas_resto")
    now = picture(
        "oid public.ventas_2027_06",
        "table public.otra_2027",
        "table public.ventas",
        "table public.ventas_2027_06",
        "table public.ventas_historico",
        "table public.ventas_resto",
    )
    seen = Picture(now.lines, {"ventas": "1:1"}, {})
    assert before.updated(seen, ["ventas"]).differences(seen) == [
        "table public.otra_2027",
        "table public.ventas_historico",
    ]
