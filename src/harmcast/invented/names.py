"""Names made of syllables: no place and no person bears them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

_PLACE_HEADS = (
    "Ashk",
    "Brev",
    "Cald",
    "Dunv",
    "Elm",
    "Fenn",
    "Garr",
    "Hask",
    "Ilv",
    "Karr",
    "Lund",
    "Merr",
    "Nask",
    "Orv",
    "Pell",
    "Querr",
    "Ruddl",
    "Stav",
    "Tarv",
    "Ulsk",
    "Varn",
    "Wend",
    "Yarr",
    "Zell",
)
_PLACE_TAILS = ("combe", "drell", "esk", "arrow", "idge", "oller", "umber", "innet", "astow", "ovey", "uthen", "erley")

_VILLAGE_TAILS = ("ham", "ley", "worth", "field", "mere", "well", "stead", "thorpe", "by", "ingden")
_STREET_HEADS = (
    "North", "South", "East", "West", "Upper", "Nether", "Birch", "Alder", "Hazel", "Thorn", "Willow", "Elder", "Quarry", "Mill", "Bridge",
    "Market", "Chapel", "Foundry", "Orchard", "Meadow", "River", "Heath", "Fern", "Cherry", "Rose", "Lime", "Marl", "Prior", "Castle", "Tower",
)  # fmt: skip
_STREET_MIDDLES = ("croft", "ton", "field", "mere", "gate", "well", "wick", "ley", "ham", "worth", "den", "side", "mow", "brook", "bank", "dale")
_STREET_TAILS = ("Road", "Street", "Lane", "Avenue", "Close", "Drive", "Way", "Crescent", "Terrace")

_GIVEN_HEADS = (
    "Ad",
    "Be",
    "Ca",
    "Da",
    "Ed",
    "Fe",
    "Gar",
    "Ha",
    "Is",
    "Ja",
    "Ka",
    "La",
    "Ma",
    "Ne",
    "Os",
    "Pe",
    "Ro",
    "Sa",
    "Te",
    "Vi",
)
_GIVEN_TAILS = (
    "rvan",
    "lisk",
    "mmo",
    "trin",
    "ndry",
    "vash",
    "shel",
    "rrik",
    "zeph",
    "lluc",
    "ndis",
    "skar",
    "vey",
    "lora",
    "mitra",
    "nneq",
    "rosh",
    "tolm",
    "wyne",
    "xandi",
)
_FAMILY_HEADS = (
    "Alv",
    "Bront",
    "Crast",
    "Dorv",
    "Esk",
    "Fald",
    "Grev",
    "Holv",
    "Inst",
    "Jarr",
    "Kelv",
    "Lorr",
    "Mosk",
    "Narv",
    "Ost",
    "Prav",
    "Quast",
    "Rosk",
    "Strev",
    "Tolv",
    "Umb",
    "Vask",
    "Wolv",
    "Yest",
    "Zarr",
)
_FAMILY_MIDDLES = ("a", "e", "i", "o", "u", "an", "er", "il", "or", "um")
_FAMILY_TAILS = ("dane", "ford", "kesh", "lander", "mott", "nell", "quist", "rick", "stone", "thall", "vane", "worth")


def places(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different names for towns and areas; at most 288."""
    every = [head + tail for head in _PLACE_HEADS for tail in _PLACE_TAILS]
    return [every[i] for i in rng.permutation(len(every))[:count]]


def villages(rng: np.random.Generator, count: int, taken: Collection[str]) -> list[str]:
    """`count` different names for smaller places, none of them in `taken`; at most 528 less those."""
    every = [head + tail for head in _PLACE_HEADS for tail in (*_VILLAGE_TAILS, *_PLACE_TAILS)]
    free = [name for name in every if name not in taken]
    return [free[i] for i in rng.permutation(len(free))[:count]]


def streets(rng: np.random.Generator, count: int) -> list[str]:
    """`count` names of streets; far apart two may be alike, as streets are."""
    every = [f"{head}{middle} {tail}" for head in _STREET_HEADS for middle in _STREET_MIDDLES for tail in _STREET_TAILS]
    order = np.concatenate([rng.permutation(len(every)) for _ in range(count // len(every) + 1)])[:count]
    return [every[i] for i in order]


def people(rng: np.random.Generator, count: int) -> pl.Series:
    """`count` names of people, given name first; names may repeat, as names do."""
    given = pl.Series([h + t for h in _GIVEN_HEADS for t in _GIVEN_TAILS])
    family = pl.Series([h + m + t for h in _FAMILY_HEADS for m in _FAMILY_MIDDLES for t in _FAMILY_TAILS])
    frame = pl.DataFrame(
        {
            "given": given.gather(rng.integers(0, len(given), count)),
            "family": family.gather(rng.integers(0, len(family), count)),
        }
    )
    return frame.select(pl.concat_str("given", "family", separator=" ").alias("name"))["name"]
