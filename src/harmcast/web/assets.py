"""Style sheets and scripts of others, made fit to serve: copied from `node_modules` into `static/vendor`.

Fonts, crowns and crests whose use outside GOV.UK is not allowed are taken out, Arial takes their place, and what is
left is checked to name no other host. Run as `python -m harmcast.web.assets NODE_MODULES`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harmcast.errors import RunStopped

VENDOR = Path(__file__).parent / "static" / "vendor"
COPIED = {
    "govuk-frontend/dist/govuk/govuk-frontend.min.css": "govuk-frontend.min.css",
    "govuk-frontend/dist/govuk/govuk-frontend.min.js": "govuk-frontend.min.js",
    "@ministryofjustice/frontend/moj/moj-frontend.min.css": "moj-frontend.min.css",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "leaflet/dist/leaflet.js": "leaflet.js",
}
LICENCES = {
    "leaflet/LICENSE": "leaflet-LICENSE.txt",
}
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
_SOURCE_MAP = re.compile(r"/\*#\s*sourceMappingURL=[^*]*\*/|//#\s*sourceMappingURL=\S*")
_IMAGE = re.compile(r"url\((?!\s*[\"']?data:)[^)]*\)")


def plain_style(css: str) -> str:
    """The style sheet with Arial, without font files, pictures from other folders or source maps."""
    css = _FONT_FACE.sub("", css)
    css = css.replace("GDS Transport,arial", "arial").replace('"GDS Transport",arial', "arial")
    css = css.replace('"Helvetica Neue", Arial', "Arial")
    css = _IMAGE.sub("none", css)
    return _SOURCE_MAP.sub("", css).strip() + "\n"


def plain_script(script: str) -> str:
    """The script without its source map."""
    return _SOURCE_MAP.sub("", script).strip() + "\n"


def build(node_modules: Path, folder: Path = VENDOR) -> list[Path]:
    """Every served file of others, written to `folder`; the same bytes from the same packages.

    Raises: RunStopped if a package is not installed or still asks for a font.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source, name in {**COPIED, **LICENCES}.items():
        try:
            text = (node_modules / source).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunStopped(
                f"{source} is not installed.",
                code="assets_missing",
                next_step="Run `npm ci` in the project's folder and try again.",
            ) from None
        if name.endswith(".css"):
            text = plain_style(text)
            if "GDS Transport" in text or "@font-face" in text:
                raise RunStopped(
                    f"{source} still names a font file.", code="assets_font", next_step="Mend `plain_style`."
                )
        elif name.endswith(".js"):
            text = plain_script(text)
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def main() -> None:
    node_modules = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("node_modules")
    for path in build(node_modules):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
