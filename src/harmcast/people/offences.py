"""What kind of offence a code is: the written crosswalk from Home Office codes to offence subgroups.

`offence_subgroups.csv` names a subgroup for every Home Office class (a class stands for its subclasses) and for
the subclasses that belong elsewhere. `basis` says `subgroup` where the police recorded crime groups place the
class there, and `nearest` where they do not cover it (most summary and regulatory offences, fraud) and the
subgroup closest in kind was chosen by us.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import polars as pl

from harmcast.offence_codes import listed

VIOLENT_SUBGROUPS = (
    "Homicide",
    "Violence with injury",
    "Violence without injury",
    "Robbery of business property",
    "Robbery of personal property",
    "Rape offences",
)
WEAPON_SUBGROUP = "Possession of weapons offences"


def shipped_table(name: str) -> pl.DataFrame:
    """A table shipped inside the package, text columns as text."""
    path = resources.files("harmcast.people").joinpath(name)
    return pl.read_csv(path.read_bytes(), infer_schema=False)


@cache
def crosswalk() -> pl.DataFrame:
    """offence_code (class or class/subclass), subgroup, basis (`subgroup` or `nearest`)."""
    return shipped_table("offence_subgroups.csv")


def class_of(code: pl.Expr) -> pl.Expr:
    """The Home Office class of a code: what stands before the slash, without a trailing letter (105A is 105).

    A code of another system has no class: it stands for itself.
    """
    before = code.str.split("/").list.first()
    return pl.when(before.str.contains(r"^\d{3}[A-Z]?$")).then(before.str.slice(0, 3)).otherwise(before)


def looked_up(codes: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """Each distinct code with its row of `table` (keyed by offence_code), the class standing in for its subclasses.

    Returns: offence_code, matched (`exact`, `class` or `missing`), and the table's other columns; null where missing.
    """
    wanted = pl.DataFrame({"offence_code": codes.unique().drop_nulls().sort()})
    exact = wanted.join(table, on="offence_code", how="inner", maintain_order="left").with_columns(
        matched=pl.lit("exact")
    )
    rest = wanted.join(exact, on="offence_code", how="anti").with_columns(
        offence_class=class_of(pl.col("offence_code"))
    )
    by_class = rest.join(table.rename({"offence_code": "offence_class"}), on="offence_class", how="left", coalesce=True)
    first = next(name for name in table.columns if name != "offence_code")
    by_class = by_class.with_columns(
        matched=pl.when(pl.col(first).is_null()).then(pl.lit("missing")).otherwise(pl.lit("class"))
    ).drop("offence_class")
    return pl.concat([exact, by_class.select(exact.columns)]).sort("offence_code")


def unknown(codes: pl.Series) -> dict[str, int]:
    """Codes that were not read, or are of no list though read (999/99, say), and how many rows bear each."""
    rows = codes.alias("offence_code").drop_nulls().value_counts(name="rows")
    found = looked_up(codes, crosswalk()).select("offence_code", "matched")
    lost = [code for code, matched in found.iter_rows() if matched == "missing" or (matched == "class" and _is_in_no_list(code))]
    return dict(rows.filter(pl.col("offence_code").is_in(lost)).sort("offence_code").iter_rows())


def _is_in_no_list(code: str) -> bool:
    """Whether a subclass is none of those listed of its class; of a class with a letter, or listed without any, that is not known."""
    offence_class, _, subclass = code.partition("/")
    return offence_class in listed() and bool(subclass) and subclass not in listed()[offence_class]


def kinds(codes: pl.Series, weapon_codes: tuple[str, ...] = ()) -> pl.DataFrame:
    """What each distinct code is: one row a code, for joining to charges.

    Args: `weapon_codes`: codes or classes counted as weapon charges besides the weapons subgroup (a setting).
    Returns: offence_code, kind (the subgroup; the code's class where the crosswalk has none), violent, weapon.
    """
    table = looked_up(codes, crosswalk())
    own_class = class_of(pl.col("offence_code"))
    return table.select(
        "offence_code",
        kind=pl.coalesce("subgroup", own_class),
        violent=pl.col("subgroup").is_in(VIOLENT_SUBGROUPS).fill_null(False),
        weapon=(pl.col("subgroup").eq(WEAPON_SUBGROUP).fill_null(False))
        | pl.col("offence_code").is_in(list(weapon_codes))
        | own_class.is_in(list(weapon_codes)),
    )
