"""Writes planes_numeracion.csv from the metadata of the installed `phonenumbers` library.

    python seeds/comun/generate_planes_numeracion.py

One row per calling code, that of the code's main region, as the library itself does it. The
output depends on the library's version alone.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.phonemetadata import PhoneMetadata

TARGET = Path(__file__).with_name("planes_numeracion.csv")
COLUMNS = (
    "codigo_pais",
    "region",
    "prefijo_nacional",
    "regla_prefijo",
    "numero_nacional",
    "longitudes",
)


def pattern(source: str | None) -> str:
    """Anchor and simplify a pattern of the library; empty where it has none.

    Raises ValueError for what one of the engines' regular expressions lacks (lookaround, back
    references).
    """
    if not source:
        return ""
    plain = source.replace(r"\d", "[0-9]")
    if "\\" in plain or re.search(r"\(\?[^:]|\[[^\]]*\[", plain):
        raise ValueError(f"both engines must be able to run the pattern {source!r}")
    return f"^(?:{plain})"


def row(code: int) -> list[str]:
    """Build the row of one calling code; ValueError where the macro's assumptions do not hold."""
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    lengths = plan.general_desc.possible_length
    local = plan.general_desc.possible_length_local_only
    rule = plan.national_prefix_transform_rule or ""
    if not plan.general_desc.national_number_pattern:
        raise ValueError(f"{code}: no general pattern")
    if min(lengths) < 2 or max((0, *local)) > max(lengths) or set(local) & set(lengths):
        raise ValueError(f"{code}: lengths {lengths}, local only {local}")
    if rule and not re.fullmatch(r"[0-9]*\\[1-9]", rule):
        raise ValueError(f"{code}: the rule {rule!r} must end with its group")
    return [
        str(code),
        region,
        pattern(plan.national_prefix_for_parsing),
        rule,
        pattern(plan.general_desc.national_number_pattern) + "$",
        " ".join(map(str, lengths)),
    ]


def render() -> str:
    """Render the whole CSV, ordered by calling code."""
    codes = sorted(COUNTRY_CODE_TO_REGION_CODE)
    texts = [str(code) for code in codes]
    if any(a != b and b.startswith(a) for a in texts for b in texts):
        raise ValueError("a calling code is the beginning of another")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row(code) for code in codes)
    return out.getvalue()


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
