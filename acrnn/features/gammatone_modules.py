"""The way to gammatone, without scipy.signal: half a second of loading, for filters in the time domain alone."""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import scipy


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@cache
def gammatone_module(name: str) -> ModuleType:
    """Import a module of gammatone, such as `gammatone.filters`.

    It takes `signal` from scipy as it finds it there. Whoever else does so meanwhile gets the same stand-in, which is
    as good as the module.
    """
    vars(scipy).setdefault("signal", _Later("scipy.signal"))
    try:
        return import_module(name)
    finally:
        vars(scipy).pop("signal", None)  # scipy finds the module itself when it is next asked
