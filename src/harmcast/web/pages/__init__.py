"""Pages, one module a part of the service: each module of this folder makes a `pages = Pages()`, and is served."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from harmcast.web.guard import Pages


def all_pages() -> list[Pages]:
    """Every part of the service. No address fits two of them, so that their order says nothing."""
    return [import_module(f"{__name__}.{module.name}").pages for module in pkgutil.iter_modules(__path__)]
