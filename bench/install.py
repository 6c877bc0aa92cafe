"""harmcast installed like a product: `make bench-install` (issue of packages; needs a package index and, for the build alone, npm).

    python -m bench.install [--no-demo]

A clean clone is built into a wheel and an sdist. Then, with no Node on the path: the wheel by pip into an empty environment, the demo made
and served, its sign-in page and style sheet asked for; the sdist by pip into another; the wheel by pipx. Nothing of this checkout is on their path.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.results import Row, saved
from harmcast.web.assets import COPIED

ROOT = Path(__file__).resolve().parent.parent
STARTS_S = 120


def without_node(folder: Path) -> dict[str, str]:
    """An environment whose path has Python and the shell's own tools, and neither Node nor this checkout."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "env", "uname", "cat", "ls", "mkdir", "rm", "dirname", "basename", "tail"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_", "REQUESTS_", "http", "HTTP", "LANG", "HOME"))}
    return {**kept, "PATH": str(tools), "TMPDIR": str(folder)}


def run(command: Sequence[str | Path], env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command; what it said is shown if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=env, cwd=cwd)
    if done.returncode:
        print(f"{command[0]} {command[1]}: exit {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
    return done


def built(folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist of a clean clone, its style sheets made at packaging time."""
    clone = folder / "clone"
    run(["git", "clone", "-q", ROOT, clone])
    shutil.rmtree(clone / "src" / "harmcast" / "web" / "static" / "vendor", ignore_errors=True)
    for kind in ("sdist", "wheel"):
        run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder / "dist"], cwd=clone)
    return next((folder / "dist").glob("*.whl")), next((folder / "dist").glob("*.tar.gz"))


def fresh(folder: Path, name: str, what: Path, env: dict[str, str]) -> Path:
    """An empty environment with the package and what it depends on; gives its programs' folder."""
    run([sys.executable, "-m", "venv", folder / name])
    programs = folder / name / "bin"
    run([programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", what], env)
    return programs


def version_of(programs: Path, env: dict[str, str]) -> str:
    return run([programs / "harmcast", "--version"], env, programs).stdout.strip()


def assets_absent(programs: Path, env: dict[str, str]) -> str:
    """Style sheets and scripts that the installed package lacks."""
    code = "import harmcast, pathlib; print(*sorted(p.name for p in (pathlib.Path(harmcast.__file__).parent / 'web' / 'static' / 'vendor').iterdir()))"
    held = run([programs / "python", "-c", code], env, programs).stdout.split()
    return " ".join(sorted(set(COPIED.values()) - set(held)))


def first_page(programs: Path, folder: Path, env: dict[str, str]) -> dict[str, str]:
    """The demo made and served by the installed program: what its first page is, and whether its style sheet comes."""
    state = folder / "state"
    made = run([programs / "harmcast", "demo", state, "--deliveries", folder / "deliveries", "--no-serve"], env, folder)
    if made.returncode:
        return {"demo": f"exit {made.returncode}"}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    serving = subprocess.Popen([str(programs / "harmcast"), "serve", str(state), "--port", str(port)], env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        text = _asked(f"{address}/", time.monotonic() + STARTS_S)
        sheets = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', text)
        sizes = [len(_asked(address + sheet, time.monotonic() + STARTS_S)) for sheet in sheets]
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.S)
        return {"demo": "made", "page": re.sub(r"<[^>]+>", "", heading[1]).strip() if heading else "no heading", "sheets": f"{sum(size > 1000 for size in sizes)} of {len(sheets)}"}
    finally:
        serving.terminate()
        serving.wait(20)


def _asked(address: str, until: float) -> str:
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-demo", action="store_true", help="leave out the demo and its page")
    asked = parser.parse_args()
    import harmcast

    wanted = harmcast.__version__
    with tempfile.TemporaryDirectory(prefix="harmcast-install-") as name:
        folder = Path(name)
        env = without_node(folder)
        assert shutil.which("node", path=env["PATH"]) is None
        wheel, sdist = built(folder)
        rows = []
        pip = fresh(folder, "by-wheel", wheel, env)
        said, absent = version_of(pip, env), assets_absent(pip, env)
        rows.append(Row("install", "wheel by pip: `harmcast --version`, assets it lacks", f"{wanted}, none", f"{said}, {absent or 'none'}", wanted in said and not absent))
        if not asked.no_demo:
            page = first_page(pip, folder, env)
            rows.append(Row("install", "wheel by pip, without Node: demo made, its first page, style sheets served", "made, Sign in, all", ", ".join(page.values()), page.get("page") == "Sign in" and page.get("sheets", "0 of 1").split(" of ")[0] == page.get("sheets", "0 of 1").split(" of ")[1]))
        other = fresh(folder, "by-sdist", sdist, env)
        said, absent = version_of(other, env), assets_absent(other, env)
        rows.append(Row("install", "sdist by pip, without Node: the same", f"{wanted}, none", f"{said}, {absent or 'none'}", wanted in said and not absent))
        run([sys.executable, "-m", "venv", folder / "pipx"])
        run([folder / "pipx" / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "pipx"], env)
        apart = {**env, "PIPX_HOME": str(folder / "pipx-home"), "PIPX_BIN_DIR": str(folder / "pipx-bin")}
        run([folder / "pipx" / "bin" / "pipx", "install", wheel], apart)
        said = version_of(folder / "pipx-bin", apart) if (folder / "pipx-bin" / "harmcast").exists() else "not installed"
        rows.append(Row("install", "wheel by pipx: `harmcast --version`", wanted, said, wanted in said))
    return saved("install", rows)


if __name__ == "__main__":
    sys.exit(main())
