"""Templates: our pages and partials beside GOV.UK's macros, with the words of `words` as filters."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, meta
from jinja2.utils import missing
from markupsafe import Markup

from harmcast import words
from harmcast.oversight.commands import second_hint

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
# What of `words` templates use as `value|name`, and what as `name(values)`.
FILTERS = ("day", "short_day", "moment", "count", "number", "share", "chance", "in_hundred", "model_name", "listed", "cell")
FUNCTIONS = ("span", "share_span", "hundred_span", "plural", "window")


@lru_cache(maxsize=64)
def static_url(name: str) -> str:
    """Address of a static file, with its content's fingerprint so that a new version is fetched at once."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def query(given: dict[str, Any], **changes: Any) -> str:
    """A query string: the given parameters with changes; what is None or empty is left out."""
    merged = {key: value for key, value in {**given, **changes}.items() if value not in (None, "")}
    return "?" + urlencode(merged) if merged else "?"


class UnknownNameFails(ChainableUndefined):
    """Parameters that were not given read as empty, as GOV.UK's macros need; a name that no page set is an error."""

    def __str__(self) -> str:
        if self._undefined_obj is missing:
            self._fail_with_undefined_error()
        return ""


_DIRECTION = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def straight(value: Any) -> Any:
    """A value as pages print it: without marks that turn the direction of the words after it."""
    if not isinstance(value, str) or value.isascii():
        return value
    turned = str(value).translate(_DIRECTION)
    return Markup(turned) if isinstance(value, Markup) else turned  # noqa: S704


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates' environment: everything escaped, an unknown name is an error, no direction marks; made once."""
    env = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(FOLDER / "templates"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        finalize=straight,
        undefined=UnknownNameFails,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update({name: getattr(words, name) for name in FILTERS})
    env.globals.update({name: getattr(words, name) for name in FUNCTIONS})
    env.globals.update(static_url=static_url, second_hint=second_hint, query=query, Markup=Markup)
    return env


def compile_all() -> int:
    """Compiles our templates and what they name, so that no page's first reader waits for it. Returns how many."""
    env = environment()
    waiting = [name for name in env.list_templates() if not name.startswith("govuk_frontend_jinja/")]
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in done or env.loader is None:
            continue
        done.add(name)
        source = env.loader.get_source(env, name)[0]
        env.get_template(name)
        waiting += [other for other in meta.find_referenced_templates(env.parse(source)) if other]
    return len(done)
