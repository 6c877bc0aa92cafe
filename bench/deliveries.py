"""Wraps the measuring data into deliveries, so that it goes through `harmcast load` like any force's.

    python bench/deliveries.py new_york|toronto|philadelphia FOLDER

writes FOLDER/settings.toml with the files it names and FOLDER/delivery/. The data lies where HARMCAST_DATA says
(default: ../shared/data beside the project) and is copied into FOLDER alone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HARMCAST_DATA", HERE.parent.parent / "shared" / "data"))


@dataclass(frozen=True)
class Source:
    """One measuring data set: its file, the day after its last record, and files its settings name."""

    file: str
    made_at: str
    beside: tuple[str, ...] = ()


SOURCES = {
    "new_york": Source(
        "places/nypd_shootings/events.parquet", "2023-07-01T06:00:00", ("places/nypd_shootings/study_area.geojson",)
    ),
    "toronto": Source("places/toronto_mci/events.parquet", "2022-01-01T06:00:00"),
    "philadelphia": Source("people/philadelphia_cohort_half/contacts.csv", "1964-01-01T06:00:00"),
}


def rows_of(path: Path) -> int:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(path).metadata.num_rows)
    with path.open(newline="", encoding="utf-8") as handle:
        return sum(1 for _ in csv.reader(handle)) - 1


def seriousness_index(contacts: Path, target: Path) -> None:
    """A harm index in which each seriousness weighs itself."""
    with contacts.open(newline="", encoding="utf-8") as handle:
        codes = sorted({row["SeriousScore"] for row in csv.DictReader(handle)}, key=float)
    with target.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["offence_code", "weight", "unit", "edition", "source"])
        writer.writerows([code, code, "seriousness", "1964", "Sellin and Wolfgang"] for code in codes)


def wrap(name: str, folder: Path) -> tuple[Path, Path]:
    """Makes settings and a delivery of one data set; gives both paths. Raises FileNotFoundError without the data."""
    source = SOURCES[name]
    origin = DATA / source.file
    if not origin.is_file():
        raise FileNotFoundError(f"the measuring data is not at {DATA}; set HARMCAST_DATA")
    delivery = folder / "delivery"
    delivery.mkdir(parents=True, exist_ok=True)
    for path in (HERE / name).iterdir():
        shutil.copyfile(path, folder / path.name)
    for beside in source.beside:
        shutil.copyfile(DATA / beside, folder / Path(beside).name)
    copy = delivery / origin.name
    shutil.copyfile(origin, copy)
    if name == "philadelphia":
        seriousness_index(origin, folder / "harm-index.csv")
    note = {"rows": rows_of(copy), "sha256": hashlib.sha256(copy.read_bytes()).hexdigest()}
    manifest = {"delivery_id": name, "made_at": source.made_at, "complete": True, "files": {copy.name: note}}
    (delivery / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return folder / "settings.toml", delivery


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SOURCES:
        sys.exit(__doc__)
    try:
        print(*wrap(sys.argv[1], Path(sys.argv[2])), sep="\n")
    except FileNotFoundError as error:
        sys.exit(f"not done: {error}")
