"""Builds the web's style sheets and scripts at packaging time, so that a wheel or sdist made from a clean clone carries them.

An sdist carries them already, so a wheel is built from it without Node.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/harmcast/web/static/vendor")


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes `static/vendor` from the locked npm packages where it is not there yet."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        try:
            assets = importlib.import_module("harmcast.web.assets")
            names = [*assets.COPIED.values(), *assets.LICENCES.values()]
            if all((root / VENDOR / name).is_file() for name in names):
                return
            if shutil.which("npm") is None:
                raise SystemExit("Building from a clone needs npm (Node 20 or newer) for the style sheets; an sdist carries them already.")
            if not (root / "node_modules").is_dir():
                subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--omit=dev"], cwd=root, check=True)
            assets.build(root / "node_modules", root / VENDOR)
        finally:
            sys.path.remove(str(root / "src"))
