"""What the package is made of, and that it can be made again: `make bench-supply` (promise 36).

    python -m bench.supply [--write] [--audit]

Asked: every lock pins versions by hash and names no address; a bill of materials (CycloneDX) of what runs; a licence for each part
(docs/licences.md, written by --write); two builds, elsewhere and at another time, of one digest; a wheel that carries its assets and
works in an environment of its own. `--audit` asks an advisory database about every part: run it where one can be reached.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata as installed
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import Row as Result
from bench.results import saved

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LICENCES = ROOT / "docs" / "licences.md"
RUNTIME = ROOT / "locks" / "run.txt"
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore", "hatch_build.py", "package.json", "package-lock.json", ".npmrc")
LATER = 1_900_000_000


@dataclass(frozen=True)
class Row:
    """One line of the outcome; `is_held` is None where it could not be asked here."""

    what: str
    asked: Any
    got: Any
    is_held: bool | None

    def __str__(self) -> str:
        mark = {True: "ok     ", False: "SHORT  ", None: "NOT RUN"}[self.is_held]
        return f"{mark} {self.what}: asked {self.asked}, got {self.got}"


# --- locks -----------------------------------------------------------------------------------------------------


def pins(lock: Path) -> dict[str, list[str]]:
    """Each requirement of a lock with its hashes."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
        if not block.startswith("#"):
            found[block.split(" \\")[0].strip()] = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
    return found


def lock_rows() -> list[Row]:
    rows = []
    for lock in sorted((ROOT / "locks").glob("*.txt")):
        held = pins(lock)
        loose = [name for name, hashes in held.items() if "==" not in name or not hashes]
        addresses = len(re.findall(r"://|--index-url|--find-links", lock.read_text(encoding="utf-8")))
        rows.append(Row(f"locks/{lock.name}: pinned by hash, no address", (len(held), 0), (len(held) - len(loose), addresses), not loose and not addresses))
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    packages = npm_packages()
    loose = [name for name, package in packages.items() if not str(package.get("integrity", "")).startswith("sha512-")]
    addresses = text.count("://") + text.count('"resolved"')
    rows.append(Row("package-lock.json: pinned by hash, no host", (len(packages), 0), (len(packages) - len(loose), addresses), not loose and not addresses))
    return rows


def npm_packages(dev: bool = True) -> dict[str, dict[str, Any]]:
    """The packages of the npm lock by name; without `dev`, only those whose files are served."""
    held = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {path.rpartition("node_modules/")[2]: package for path, package in held.items() if path and (dev or not package.get("dev"))}


def runtime() -> list[tuple[str, str]]:
    """Name and version of every Python package of the runtime lock."""
    names = (re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;]+)", pin) for pin in pins(RUNTIME))
    return [(match[1], match[2]) for match in names if match]


# --- bill of materials, licences, audit --------------------------------------------------------------------------


def bill_of_materials(file: Path) -> Row:
    """CycloneDX of the runtime lock and of the served npm packages, without time or random number."""
    command = [BIN / "cyclonedx-py", "requirements", RUNTIME, "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--of", "JSON"]
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if run.returncode:
        return Row("bill of materials", "written", run.stderr.strip()[-200:], False)
    bill = json.loads(run.stdout)
    for name, package in npm_packages(dev=False).items():
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        entry = {"type": "library", "bom-ref": purl, "name": name, "version": package["version"], "purl": purl}
        bill["components"].append(entry | {"licenses": [{"license": {"id": package["license"]}}]})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    wanted = len(runtime()) + len(npm_packages(dev=False))
    return Row(f"parts in the bill of materials ({file.relative_to(ROOT)})", wanted, len(bill["components"]), wanted == len(bill["components"]))


def licence(name: str) -> str | None:
    """The licence an installed package names: its expression, its classifier, or the first line of its licence field."""
    try:
        held = installed.metadata(name)
    except installed.PackageNotFoundError:
        return None
    if held.get("License-Expression"):
        return str(held["License-Expression"])
    classes = [line.split(" :: ")[-1] for line in held.get_all("Classifier") or [] if line.startswith("License ::") and line != "License :: OSI Approved"]
    return ", ".join(classes) or (held.get("License") or "").strip().split("\n")[0][:80]


def licences_page() -> str:
    lines = ["# Licences of what runs", "", "<!-- Generated by `python -m bench.supply --write`; not written by hand. -->", ""]
    lines += ["harmcast itself is under the MIT licence. It runs on these packages, each under its own; none costs anything.", ""]
    lines += ["| Python package | version | licence |", "|---|---|---|"]
    for name, version in runtime():
        held = licence(name)
        lines.append(f"| {name} | {version} | {'installed on other systems only' if held is None else held} |")
    lines += ["", "| web package | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {package['version']} | {package['license']} |" for name, package in sorted(npm_packages(dev=False).items())]
    return "\n".join([*lines, ""])


def licence_rows() -> list[Row]:
    silent = [name for name, _ in runtime() if licence(name) == ""]
    same = LICENCES.is_file() and LICENCES.read_text(encoding="utf-8") == licences_page()
    return [
        Row("parts without a licence named", 0, f"{len(silent)} {' '.join(silent)}".strip(), not silent),
        Row("docs/licences.md is what the locks say", True, same, same),
    ]


def audit(ask: bool) -> Row:
    """Known weaknesses of the runtime's parts, by pip-audit; not run unless asked for, as it needs the advisory database."""
    what = "known weaknesses in the runtime's parts"
    if not ask:
        return Row(what, 0, "not asked: add --audit where an advisory database can be reached", None)
    command = [str(BIN / "pip-audit"), "-r", str(RUNTIME), "--require-hashes", "--disable-pip", "--no-deps", "-f", "json", "--timeout", "10", "--progress-spinner", "off"]
    run = subprocess.run(command, capture_output=True, text=True)
    try:
        parts = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        return Row(what, 0, "the advisory database was not reached", None)
    weak = [part["name"] for part in parts if part.get("vulns")]
    return Row(what, 0, f"{len(weak)} {' '.join(weak)}".strip(), not weak)


# --- the wheel -------------------------------------------------------------------------------------------------


def wheel(source: Path, into: Path) -> Path:
    """A wheel of the project in `source`, built without a network."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)], cwd=source, check=True, capture_output=True)
    return next(into.glob("*.whl"))


def copy_of_project(into: Path) -> Path:
    shutil.copytree(ROOT / "src", into / "src", ignore=shutil.ignore_patterns("__pycache__", ".built"))
    for name in BUILT_FROM:
        shutil.copy2(ROOT / name, into / name)
    return into


def two_builds(folder: Path) -> tuple[Path, Row]:
    """The same sources built in two places, the second with other file times and modes."""
    (folder / "one").mkdir()
    first = wheel(copy_of_project(folder / "one"), folder / "one-wheel")
    second_place = folder / "elsewhere" / "two"
    second_place.mkdir(parents=True)
    copy_of_project(second_place)
    for path in second_place.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
        os.utime(path, (LATER, LATER))
    digests = [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in (first, wheel(second_place, folder / "two-wheel"))]
    return first, Row("digests of two builds", "one", " and ".join(sorted(set(digests))), len(set(digests)) == 1)


def needed_files() -> set[str]:
    """What the wheel has to carry: every file of the package, the style sheets and scripts of others included."""
    found = (path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts and path.name != ".built")
    return {path.relative_to(ROOT / "src").as_posix() for path in found}


def missing_from(built: Path) -> set[str]:
    return needed_files() - set(zipfile.ZipFile(built).namelist())


WORKS = """
import sys
from importlib.resources import files
import harmcast
from harmcast.web.app import create_app
from harmcast.web.templating import environment
assert harmcast.__file__.startswith(sys.prefix), harmcast.__file__
names = [p.name for p in (files("harmcast") / "web" / "templates" / "pages").iterdir() if p.name.endswith(".html")]
env = environment()
for name in names:
    env.get_template("pages/" + name)
assert (files("harmcast") / "web" / "static" / "vendor" / "leaflet.js").is_file()
print(len(names))
"""


def works_installed(built: Path, folder: Path) -> list[Row]:
    """The wheel in an environment of its own, its dependencies lent by this one."""
    fresh = folder / "fresh"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(fresh)], check=True)
    python = fresh / "bin" / "python"
    subprocess.run([str(BIN / "uv"), "pip", "install", "-q", "--offline", "--no-deps", "--python", str(python), str(built)], check=True)
    own = next(fresh.glob("lib/python*/site-packages"))
    (own / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    help_text = subprocess.run([str(python), "-I", str(fresh / "bin" / "harmcast"), "--help"], capture_output=True, text=True, cwd=folder)
    pages = subprocess.run([str(python), "-I", "-c", WORKS], capture_output=True, text=True, cwd=folder)
    templates = len(list((ROOT / "src" / "harmcast" / "web" / "templates" / "pages").glob("*.html")))
    got = pages.stdout.strip() or pages.stderr.strip()[-300:]
    return [
        Row("installed: `harmcast --help` names the weekly run", True, "week" in help_text.stdout, help_text.returncode == 0 and "week" in help_text.stdout),
        Row("installed: pages' templates that load", templates, got, got == str(templates)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/licences.md")
    parser.add_argument("--audit", action="store_true", help="ask an advisory database")
    asked = parser.parse_args()
    if asked.write:
        LICENCES.write_text(licences_page(), encoding="utf-8")
    rows = [*lock_rows(), bill_of_materials(ROOT / "dist" / "sbom.cdx.json"), *licence_rows(), audit(asked.audit)]
    with tempfile.TemporaryDirectory(prefix="harmcast-supply-") as name:
        built, same = two_builds(Path(name))
        absent = missing_from(built)
        rows += [same, Row("files the wheel lacks", 0, f"{len(absent)} {' '.join(sorted(absent)[:5])}".strip(), not absent)]
        rows += works_installed(built, Path(name))
    for row in rows:
        if row.is_held is None:
            print(row)
    return saved("supply", [Result(36, row.what, str(row.asked), str(row.got), row.is_held) for row in rows if row.is_held is not None])


if __name__ == "__main__":
    sys.exit(main())
