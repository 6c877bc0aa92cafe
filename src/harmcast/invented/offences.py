"""What is recorded and charged in the invented county: offence codes, volumes, weapons, injuries, harm.

Codes are the Home Office's own classes and subclasses. Volumes are those of a large metropolitan force in 2014 (two
months of data.police.uk, Open Government Licence), parted among codes by our own shares. Harm days are the medians
by offence subgroup of the Cambridge Crime Harm Index (2026): coarse, and used here for the truth alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# where an offence happens: each group has its own map, season and hours
GROUPS = ("street", "night", "home", "burglary", "vehicle", "shop", "theft", "damage", "drugs")
WEAPON_ORDER = ("none", "knife", "firearm", "other", "unknown")
INJURY_ORDER = ("none", "minor", "serious", "fatal", "unknown")

# injuries, in INJURY_ORDER
_NO = (1.0, 0.0, 0.0, 0.0, 0.0)
_FATAL = (0.0, 0.0, 0.0, 1.0, 0.0)
_GRAVE = (0.0, 0.05, 0.93, 0.0, 0.02)
_WOUND = (0.0, 0.35, 0.62, 0.0, 0.03)
_ABH = (0.02, 0.93, 0.03, 0.0, 0.02)
_PUSH = (0.86, 0.12, 0.0, 0.0, 0.02)
_ROB = (0.84, 0.13, 0.02, 0.0, 0.01)
_SEX = (0.72, 0.18, 0.02, 0.0, 0.08)

# weapons, in WEAPON_ORDER
_BARE = (0.96, 0.0, 0.0, 0.0, 0.04)
_NONE = (1.0, 0.0, 0.0, 0.0, 0.0)
_KNIFE = (0.0, 1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Offence:
    """One line of the county's mix. `volume` is offences in four weeks; `fixed` volumes do not scale with the force."""

    code: str
    group: str
    volume: float
    fixed: bool
    weapons: tuple[float, ...]
    injuries: tuple[float, ...]
    slow_report_share: float = 0.0
    patrol_found: bool = False


def _o(
    code: str,
    group: str,
    volume: float,
    fixed: bool = False,
    weapons: tuple[float, ...] = _NONE,
    injuries: tuple[float, ...] = _NO,
    slow: float = 0.0,
    found: bool = False,
) -> Offence:
    return Offence(code, group, volume, fixed, weapons, injuries, slow, found)


MIX: tuple[Offence, ...] = (
    # serious violence: about 200 in four weeks
    _o("001/01", "street", 1.2, True, (0.15, 0.50, 0.15, 0.15, 0.05), _FATAL),
    _o("001/01", "home", 1.0, True, (0.30, 0.40, 0.02, 0.20, 0.08), _FATAL),
    _o("004/01", "night", 0.6, True, (0.70, 0.10, 0.0, 0.10, 0.10), _FATAL),
    _o("002/00", "street", 3.4, True, (0.08, 0.52, 0.25, 0.10, 0.05), _GRAVE),
    _o("005/01", "street", 34, True, (0.22, 0.52, 0.08, 0.15, 0.03), _GRAVE),
    _o("005/01", "night", 14, True, (0.42, 0.28, 0.02, 0.25, 0.03), _GRAVE),
    _o("005/01", "home", 11, True, (0.40, 0.36, 0.01, 0.20, 0.03), _GRAVE),
    _o("005/04", "home", 1.5, True, _BARE, _WOUND),
    _o("005/07", "street", 0.8, True, (0.0, 0.0, 0.0, 1.0, 0.0), _GRAVE),
    _o("008/01", "street", 52, True, (0.38, 0.42, 0.01, 0.15, 0.04), _WOUND),
    _o("008/01", "night", 52, True, (0.60, 0.15, 0.0, 0.21, 0.04), _WOUND),
    _o("008/01", "home", 30, True, (0.60, 0.22, 0.0, 0.14, 0.04), _WOUND),
    _o("008/59", "street", 1.6, True, (0.60, 0.20, 0.0, 0.15, 0.05), _WOUND),
    # knives and firearms elsewhere
    _o("008/06", "street", 16, True, _KNIFE, _ABH),
    _o("008/06", "home", 13, True, _KNIFE, _ABH),
    _o("003/01", "home", 34, True, (0.74, 0.24, 0.02, 0.0, 0.0), _NO),
    _o("034/01", "street", 395, True, (0.55, 0.32, 0.03, 0.06, 0.04), _ROB),
    _o("034/02", "shop", 44, True, (0.55, 0.28, 0.05, 0.08, 0.04), _ROB),
    _o("029/00", "burglary", 9, True, (0.10, 0.42, 0.08, 0.35, 0.05), _ROB),
    _o("105/01", "street", 14, True, _KNIFE, _NO),
    _o("125/11", "night", 9, True, _KNIFE, _NO),
    _o("008/26", "street", 74, True, _KNIFE, _NO, found=True),
    _o("008/11", "night", 32, True, (0.0, 0.0, 0.0, 1.0, 0.0), _NO, found=True),
    _o("005/14", "street", 2, True, (0.0, 0.0, 1.0, 0.0, 0.0), _NO),
    _o("081/03", "street", 5, True, (0.0, 0.0, 1.0, 0.0, 0.0), _NO, found=True),
    _o("081/77", "street", 3, True, (0.0, 0.0, 1.0, 0.0, 0.0), _NO, found=True),
    # violence and sexual offences
    _o("008/06", "night", 270, False, (0.86, 0.0, 0.0, 0.10, 0.04), _ABH),
    _o("008/06", "home", 330, False, (0.88, 0.0, 0.0, 0.08, 0.04), _ABH, 0.10),
    _o("105/01", "home", 470, False, _BARE, _PUSH, 0.15),
    _o("105/01", "night", 290, False, _BARE, _PUSH),
    _o("104/23", "night", 38, False, _BARE, _PUSH),
    _o("008/30", "home", 40, False, _NONE, _NO, 0.2),
    _o("008/31", "home", 34, False, _NONE, _NO, 0.1),
    _o("008/35", "night", 16, False, _BARE, _PUSH),
    _o("008/66", "home", 12, False, _NONE, _NO, 0.4),
    _o("008/67", "home", 14, False, _NONE, _NO, 0.5),
    _o("195/94", "home", 140, False, _NONE, _NO, 0.4),
    _o("008/72", "home", 60, False, _NONE, _NO, 0.3),
    _o("011/03", "home", 18, False, _NONE, _PUSH, 0.5),
    _o("019/08", "home", 58, False, (0.94, 0.01, 0.0, 0.01, 0.04), _SEX, 0.6),
    _o("019/10", "home", 6, False, _BARE, _SEX, 0.6),
    _o("020/05", "night", 62, False, _BARE, _SEX, 0.45),
    _o("017/15", "night", 9, False, _BARE, _SEX, 0.45),
    _o("022/01", "home", 12, False, _NONE, _NO, 0.7),
    # stealing
    _o("028/02", "burglary", 840, False),
    _o("028/01", "burglary", 270, False),
    _o("030/02", "burglary", 400, False),
    _o("030/02", "shop", 210, False),
    _o("030/01", "shop", 140, False),
    _o("045/10", "vehicle", 1120, False),
    _o("048/01", "vehicle", 460, False),
    _o("126/00", "vehicle", 120, False),
    _o("130/01", "vehicle", 46, False),
    _o("037/02", "vehicle", 12, False),
    _o("046/00", "shop", 1210, False),
    _o("039/00", "theft", 285, False),
    _o("044/00", "theft", 150, False),
    _o("049/10", "theft", 1330, False),
    _o("041/00", "theft", 28, False),
    _o("054/01", "theft", 24, False),
    _o("033/00", "vehicle", 14, False, found=True),
    _o("053/01", "theft", 40, False, slow=0.5),
    # damage, disorder, drugs, the rest
    _o("149/00", "damage", 1420, False),
    _o("058/00", "damage", 240, False),
    _o("056/01", "damage", 22, False),
    _o("056/02", "damage", 95, False),
    _o("009/00", "damage", 10, False),
    _o("125/09", "night", 130, False),
    _o("125/11", "night", 70, False),
    _o("125/12", "night", 120, False, found=True),
    _o("066/01", "night", 34, False, (0.6, 0.06, 0.0, 0.30, 0.04), _PUSH),
    _o("008/55", "night", 34, False),
    _o("092/61", "drugs", 300, False, found=True),
    _o("092/50", "drugs", 42, False, found=True),
    _o("092/51", "drugs", 26, False, found=True),
    _o("092/54", "drugs", 28, False, found=True),
    _o("092/30", "drugs", 30, False, found=True),
    _o("092/21", "drugs", 44, False),
    _o("004/04", "street", 0.8, False, _NONE, _FATAL),
    _o("004/12", "street", 2.4, False, _NONE, _GRAVE),
    _o("083/00", "home", 16, False, found=True),
    _o("803/02", "night", 60, False, found=True),
    _o("807/01", "night", 40, False, found=True),
)

SERIOUS_VIOLENCE = (
    "001",
    "002",
    "004/01",
    "004/02",
    "004/05",
    "005/01",
    "005/04",
    "005/06",
    "005/07",
    "008/01",
    "008/33",
    "008/40",
    "008/46",
    "008/59",
)

# what a person is charged with: the kinds a career moves among
KINDS = (
    "serious_violence",
    "injury",
    "assault",
    "sexual",
    "robbery",
    "burglary",
    "theft",
    "damage",
    "drugs",
    "supply",
    "weapons",
    "traffic",
)
FOUND_KINDS = ("drugs", "weapons", "traffic")  # charged because police looked, not because a victim called

CODES_OF_KIND: dict[str, dict[str, float]] = {
    "serious_violence": {
        "001/01": 0.02,
        "002/00": 0.02,
        "004/01": 0.005,
        "005/01": 0.32,
        "008/01": 0.625,
        "008/59": 0.01,
    },
    "injury": {"008/06": 0.97, "011/03": 0.03},
    "assault": {"105/01": 0.70, "104/23": 0.13, "195/94": 0.05, "008/31": 0.05, "008/35": 0.03, "003/01": 0.04},
    "sexual": {"019/08": 0.28, "019/10": 0.02, "020/05": 0.55, "017/15": 0.07, "022/01": 0.08},
    "robbery": {"034/01": 0.93, "034/02": 0.07},
    "burglary": {"028/02": 0.55, "028/01": 0.10, "030/02": 0.30, "029/00": 0.05},
    "theft": {
        "046/00": 0.62,
        "049/10": 0.12,
        "045/10": 0.10,
        "048/01": 0.05,
        "039/00": 0.05,
        "130/01": 0.04,
        "054/01": 0.02,
    },
    "damage": {"149/00": 0.55, "125/11": 0.14, "125/09": 0.12, "125/12": 0.10, "066/01": 0.05, "056/02": 0.04},
    "drugs": {"092/61": 0.60, "092/50": 0.16, "092/51": 0.10, "092/54": 0.14},
    "supply": {"092/30": 0.60, "092/21": 0.40},
    "weapons": {"008/26": 0.62, "008/11": 0.32, "081/03": 0.04, "081/77": 0.02},
    "traffic": {"803/02": 0.60, "807/01": 0.32, "083/00": 0.08},
}

# charges that come with another on the same day: lighter, or of the same kind
ALONGSIDE: dict[str, dict[str, float]] = {
    "serious_violence": {"105/01": 0.6, "149/00": 0.4},
    "injury": {"105/01": 0.4, "149/00": 0.6},
    "assault": {"149/00": 0.6, "125/12": 0.4},
    "sexual": {"105/01": 1.0},
    "robbery": {"049/10": 0.7, "105/01": 0.3},
    "burglary": {"049/10": 0.6, "149/00": 0.4},
    "theft": {"046/00": 0.8, "049/10": 0.2},
    "damage": {"149/00": 0.5, "125/12": 0.5},
    "drugs": {"092/61": 1.0},
    "supply": {"092/61": 1.0},
    "weapons": {"092/61": 0.7, "125/12": 0.3},
    "traffic": {"807/01": 1.0},
}

_HARM_DAYS_OF_CLASS = {
    "001": 5475.0,
    "002": 365.0,
    "003": 10.0,
    "004": 5475.0,
    "005": 365.0,
    "009": 2.0,
    "011": 365.0,
    "017": 182.25,
    "019": 2555.0,
    "020": 182.25,
    "022": 182.25,
    "028": 273.5,
    "029": 273.5,
    "030": 183.5,
    "033": 10.0,
    "034": 365.0,
    "037": 5.0,
    "039": 2.0,
    "041": 2.0,
    "044": 2.0,
    "045": 5.0,
    "046": 1.0,
    "048": 5.0,
    "049": 2.0,
    "053": 2.0,
    "054": 10.0,
    "056": 185.0,
    "058": 2.0,
    "066": 7.5,
    "081": 273.75,
    "083": 10.0,
    "092": 3.0,
    "104": 10.0,
    "105": 10.0,
    "125": 7.5,
    "126": 5.0,
    "130": 5.0,
    "149": 2.0,
    "195": 10.0,
    "803": 5.0,
    "807": 5.0,
}
_HARM_DAYS_OF_CODE = {
    "004/04": 365.0,
    "004/12": 365.0,
    "005/14": 273.75,
    "008/01": 365.0,
    "008/06": 365.0,
    "008/59": 365.0,
    "008/11": 273.75,
    "008/26": 273.75,
    "008/30": 10.0,
    "008/31": 10.0,
    "008/35": 10.0,
    "008/55": 7.5,
    "008/66": 10.0,
    "008/67": 10.0,
    "008/72": 10.0,
    "092/30": 5.0,
    "092/21": 5.0,
}


def harm_days(code: str) -> float:
    """Harm of one offence in days, by the median of its subgroup; KeyError for a code the county does not have."""
    return _HARM_DAYS_OF_CODE[code] if code in _HARM_DAYS_OF_CODE else _HARM_DAYS_OF_CLASS[code.split("/")[0]]


def all_codes() -> list[str]:
    """Every code recorded or charged in the county, sorted."""
    return sorted({o.code for o in MIX} | {c for codes in CODES_OF_KIND.values() for c in codes})


def volumes(crimes_a_year: float, county_share: float = 1.0) -> np.ndarray:
    """Offences in four weeks of each line of MIX, so that a year holds `crimes_a_year`.

    Fixed lines (knife, robbery, serious violence) do not follow it: they are `county_share` of a large county's.
    """
    volume = np.array([o.volume for o in MIX]) * county_share
    fixed = np.array([o.fixed for o in MIX])
    rest = max(0.0, crimes_a_year * 28 / 365.25 - volume[fixed].sum())
    return np.where(fixed, volume, volume * rest / volume[~fixed].sum())
