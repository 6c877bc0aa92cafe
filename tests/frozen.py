"""Which records of a room a running process could change under whoever holds them."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil


def changeable(room: str) -> set[str]:
    """Names of the room's data classes that are not frozen."""
    package = importlib.import_module(f"harmcast.{room}")
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    classes = [(module, one) for module in modules for one in vars(module).values() if inspect.isclass(one) and dataclasses.is_dataclass(one)]
    return {one.__name__ for module, one in classes if one.__module__ == module.__name__ and not one.__dataclass_params__.frozen}
