"""A data engineer's first day: an ugly export goes from folder to first week by profile, mapping, check, load, accept, week alone.

Every count is compared with one made here from the raw files by the csv module and plain Python, by none of our readers.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from harmcast.feed import profile, sql_mapping
from harmcast.runs.accept import accept_load
from harmcast.runs.check import check_state
from harmcast.runs.effects import effects_of_load
from harmcast.runs.load import load_delivery, try_delivery
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.weekly import run_week

OPERATOR = Actor("operator", "Operator", (("operator", None),))
MADE = datetime(2026, 3, 9, 5)
SETTINGS = """
[force]
name = "Ugly"
area_from = "first_days"
[feed]
mapping = "force.sql"
quarantine_max_share = 0.1
[feed.files."CRIMES*.TXT"]
name = "CRIMES"
delimiter = ";"
encoding = "cp1252"
[feed.files."SUSPECTS*.TXT"]
name = "SUSPECTS"
delimiter = ";"
encoding = "cp1252"
[feed.files."NOMINALS*.TXT"]
name = "NOMINALS"
delimiter = ";"
encoding = "cp1252"
[[tools]]
name = "knife_injury"
kind = "places"
cell_area_km2 = 1.0
where = { weapon = ["knife"], injury = ["minor", "serious", "fatal"] }
[[tools]]
name = "serious_violence"
kind = "places"
cell_area_km2 = 0.5
where = { offence_code = ["008/01", "005/01"] }
[[tools]]
name = "iom"
kind = "people"
[bands]
cuts = [1.0, 100.0, 500.0, 1000.0]
"""
MAPPING = """
CREATE VIEW crimes AS SELECT
  source_row, "Crime No" AS crime_ref, ho_code("HO Class") AS offence_code,
  uk_time("Date From", "Time From") AS happened_from, uk_time(null_words("Date To")) AS happened_to,
  uk_time(Recorded) AS recorded_at, uk_time(Recorded) AS changed_at,
  CASE null_words(Cancelled) WHEN 'Y' THEN 'cancelled' ELSE 'recorded' END AS status,
  uk_number(X) AS easting_m, uk_number(Y) AS northing_m,
  worst_of(split_words(coalesce(null_words(Weapons), 'none')), ['none', 'other', 'knife', 'firearm']) AS weapon,
  lower(null_words(Injury)) AS injury
FROM CRIMES;

CREATE VIEW each_suspect AS SELECT source_row, Custody, Crime, Class, Offended, Charged, unnest(split_words(Suspects)) AS suspect FROM SUSPECTS;
CREATE VIEW charges AS SELECT
  source_row, Custody || '-' || suspect AS charge_ref, suspect AS person_ref, null_words(Crime) AS crime_ref, ho_code(Class) AS offence_code,
  uk_date(Offended) AS happened_on, uk_date(Charged) AS charged_on, 'charged' AS outcome, uk_date(Charged) AS changed_at
FROM each_suspect;

CREATE VIEW persons AS SELECT
  source_row, URN AS person_ref, uk_date(null_words("Date of Birth")) AS born_on, null_words(Area) AS unit, false AS restricted,
  uk_date('01/01/2026') AS changed_at
FROM NOMINALS
"""
CODES = {"008/01": ("8/1", "00801", "008/01"), "008/06": ("8/6", "00806", "8/06"), "005/01": ("5/1", "00501"), "028/03": ("28/3", "02803")}
WORST = ("none", "other", "knife", "firearm")


def export(seed: int = 4) -> dict[str, tuple[bytes, int]]:
    """Three files of sixty weeks: one crime row in twenty has lost a field or its date."""
    r = random.Random(seed)
    crimes, suspects, nominals = [], [], []
    number = 0
    for back in range(60, 0, -1):
        for _ in range(30 + r.randrange(10)):
            number += 1
            at = MADE - timedelta(weeks=back) + timedelta(minutes=r.randrange(7 * 24 * 60 - 600))
            code = r.choice(list(CODES))
            x, y = 400_000 + r.randrange(6_000), 290_000 + r.randrange(6_000)
            row = [
                f"47/{number:05d}/26", r.choice(CODES[code]), f"{at:%d/%m/%Y}", r.choice([f"{at:%H:%M}", f"{at:%H%M}"]), r.choice(["NULL", "", f"{at + timedelta(hours=2):%d/%m/%Y %H:%M}"]),
                f"{at + timedelta(hours=9):%d/%m/%Y %H:%M}", "Y" if r.random() < 0.02 else r.choice(["N", "NULL"]), r.choice([f"{x:,}.0", str(x)]), f"{y:,}",
                r.choice(["NULL", "Knife", "Knife, Other", "Other; Knife; Firearm", "none"]), r.choice(["Minor", "Serious", "None", "NULL"]), r.choice(["Caf\u00e9", "Pub \u2013 rear"]),
            ]  # fmt: skip
            kind = r.random()
            if kind < 0.025:
                row = row[:7]
            elif kind < 0.05:
                row[2] = "31/02/2026"
            crimes.append(row)
            if r.random() < 0.3:
                who = sorted(r.sample(range(150), r.choice([1, 1, 2, 3])))
                charged = at + timedelta(days=1)
                link = row[0] if r.random() < 0.7 else "NULL"
                suspects.append([f"K{number}", link, row[1], f"{at:%d/%m/%Y}", f"{charged:%d %b %Y}", "; ".join(f"N{w}" for w in who)])
    for w in range(150):
        born = "01/01/1900" if w % 15 == 0 else "NULL" if w % 20 == 1 else f"{1 + w % 28:02d}/{1 + w % 12:02d}/{1960 + w % 40}"
        nominals.append([f"N{w}", born, r.choice(["North", "South"])])
    heads = {
        "CRIMES_20260309.TXT": (["Crime No", "HO Class", "Date From", "Time From", "Date To", "Recorded", "Cancelled", "X", "Y", "Weapons", "Injury", "Place"], crimes),
        "SUSPECTS_20260309.TXT": (["Custody", "Crime", "Class", "Offended", "Charged", "Suspects"], suspects),
        "NOMINALS_20260309.TXT": (["URN", "Date of Birth", "Area"], nominals),
    }
    return {name: (_text([head, *rows]).encode("cp1252"), len(rows)) for name, (head, rows) in heads.items()}


def _text(rows: list[list[str]]) -> str:
    """Semicolons, Windows line ends; only a cell that holds a semicolon is quoted."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def counted(raw: dict[str, tuple[bytes, int]]) -> dict[str, dict[str, int]]:
    """What the files hold, counted without any of our code."""
    canonical = {printed: code for code, forms in CODES.items() for printed in forms}
    read = {name.split("_")[0]: list(csv.DictReader(io.StringIO(content.decode("cp1252")), delimiter=";")) for name, (content, _) in raw.items()}
    good = [row for row in read["CRIMES"] if row["Place"] is not None and row["Date From"] != "31/02/2026"]
    words = [[w.strip().lower() for w in row["Weapons"].replace(",", ";").split(";")] for row in good]
    weapons = ["none" if one == ["null"] else max(one, key=WORST.index) for one in words]
    stands = [row["Cancelled"] != "Y" for row in good]
    return {
        "codes": dict(Counter(canonical[row["HO Class"]] for row in good)),
        "weapons": dict(Counter(weapons)),
        "knife_injury": dict(Counter(w == "knife" and row["Injury"] in ("Minor", "Serious") and s for w, row, s in zip(weapons, good, stands, strict=True))),  # type: ignore[dict-item]
        "crimes": {"received": len(read["CRIMES"]), "loaded": len(good), "broken": sum(row["Place"] is None for row in read["CRIMES"])},
        "charges": dict(Counter(canonical[row["Class"]] for row in read["SUSPECTS"] for _ in row["Suspects"].split(";"))),
        "linked": dict(Counter("no" if row["Crime"] == "NULL" else "yes" for row in read["SUSPECTS"] for _ in row["Suspects"].split(";"))),
        "births": dict(Counter("unknown" if row["Date of Birth"] in ("NULL", "01/01/1900") else "known" for row in read["NOMINALS"])),
    }


@pytest.mark.slow
def test_an_ugly_export_goes_from_folder_to_first_week(
    make_state: Callable[..., State], deliver: Callable[..., Path]
) -> None:
    raw = export()
    delivery = deliver(raw=raw, made_at=MADE.isoformat())
    expected = counted(raw)
    seen = profile.of_delivery(delivery)
    assert {file.name: (file.form.encoding, file.form.delimiter) for file in seen.files}["CRIMES_20260309.TXT"] == ("cp1252", ";")
    assert sql_mapping.parse(profile.first_mapping(seen)).tables  # what it writes can be read
    state = make_state(SETTINGS, {"force.sql": MAPPING})
    assert check_state(state.root).faults == []
    tried = try_delivery(state, delivery)
    assert (tried.waiting, tried.load) == (True, None)
    result = load_delivery(state, delivery)
    assert all(file.adds_up for file in result.files)
    crimes = next(file for file in result.files if file.table == "crimes")
    assert {"received": crimes.received, "loaded": crimes.loaded, "broken": crimes.unread} == expected["crimes"]
    said = {f"{t['what']} by {t['by']}": dict(t["rows"]) for t in effects_of_load(state).document["comparison"]}
    assert sum(said["Crimes recorded (without cancelled) by year"].values()) == sum(expected["codes"].values()) - _cancelled(raw)
    accept_load(state, int(result.load or 0), OPERATOR, "compared with the raw files")

    held = state.records.known("crimes")
    assert dict(held["offence_code"].value_counts().iter_rows()) == expected["codes"]
    assert dict(held["weapon"].value_counts().iter_rows()) == expected["weapons"]
    knife = held.filter((held["weapon"] == "knife") & held["injury"].is_in(["minor", "serious"]) & (held["status"] == "recorded"))
    assert knife.height == expected["knife_injury"][True]  # type: ignore[index]
    charges = state.records.known("charges")
    assert dict(charges["offence_code"].value_counts().iter_rows()) == expected["charges"]
    assert {"no": charges["crime_ref"].null_count(), "yes": charges.height - charges["crime_ref"].null_count()} == expected["linked"]
    charged = set(charges["person_ref"])
    births = state.records.known("persons_protected", columns=["person_ref", "born_on"])
    unknown = {f"N{w}" for w in range(150) if w % 15 == 0 or w % 20 == 1} & charged
    assert (births.height, births["born_on"].null_count()) == (len(charged), len(unknown))
    made = run_week(state, date(2026, 3, 9), OPERATOR)
    assert set(made.standings) == {"knife_injury", "serious_violence", "iom"}


def _cancelled(raw: dict[str, tuple[bytes, int]]) -> int:
    rows = csv.DictReader(io.StringIO(raw["CRIMES_20260309.TXT"][0].decode("cp1252")), delimiter=";")
    return sum(row["Cancelled"] == "Y" for row in rows if row["Place"] is not None and row["Date From"] != "31/02/2026")
