"""The state of moto's backends as bytes, and back.

What is alive in them (locks, thread pools, the cloud itself) is left out and made anew or put in place by the reader.
Anything else that cannot be written, such as a socket, is an error: a world must be whole.
"""

from __future__ import annotations

import importlib
import marshal
import pickle
import queue
import sys
import threading
import types
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict

_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
_OWN = {"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"}
"""Attributes of every BackendDict; what a service adds to them (S3: whose bucket a name is) belongs to the world."""


def write(file: IO[bytes], live: Mapping[str, object]) -> None:
    """Write every backend that is in use. ``live`` are objects that the reader has, too, by name.

    Raises pickle.PicklingError or TypeError for what cannot be written, RuntimeError if it changed meanwhile.
    """
    dicts = [one for one in _in_use() if _address(one)]
    world = [
        (one, {name: value for name, value in vars(one).items() if name not in _OWN}, list(one.iter_backends()))
        for one in dicts
    ]
    _Writer(file, live).dump(world)


def read(file: IO[bytes], live: Mapping[str, object]) -> None:
    """Put the backends that ``write`` wrote in the place of those that are there.

    Runs what the bytes say: only for files that this user's own cloud has written.
    """
    for service, extras, backends in _Reader(file, live).load():
        vars(service).update(extras)
        for account, region, backend in backends:
            dict.__setitem__(service[account], region, backend)


class _Writer(pickle.Pickler):
    def __init__(self, file: IO[bytes], live: Mapping[str, object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._names = {id(thing): name for name, thing in live.items()}

    def persistent_id(self, thing: object) -> Any:
        if name := self._names.get(id(thing)):
            return ("live", name)
        if isinstance(thing, BackendDict):
            return ("service", *_address(thing))
        if isinstance(thing, AccountSpecificBackend):
            return ("account", *_address(_service_of(thing)), thing.account_id)
        return None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, types.FunctionType):
            return _function_parts(thing) if "<" in thing.__qualname__ else NotImplemented
        if isinstance(thing, dict) and type(thing) not in (defaultdict, OrderedDict):
            return _dict_parts(thing)
        reduce = _REDUCERS.get(type(thing))
        if reduce is None and isinstance(thing, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            return _private_key, (_der(thing),)
        return reduce(thing) if reduce else NotImplemented


class _Reader(pickle.Unpickler):
    def __init__(self, file: IO[bytes], live: Mapping[str, object]) -> None:
        super().__init__(file)
        self._live = live

    def persistent_load(self, said: Any) -> Any:
        match said:
            case ("live", name):
                return self._live[name]
            case ("service", module, attribute):
                return getattr(importlib.import_module(module), attribute)
            case ("account", module, attribute, account):
                return getattr(importlib.import_module(module), attribute)[account]
        raise pickle.UnpicklingError(f"{said!r} is no reference")


def _in_use() -> list[Any]:
    return list(BackendDict._instances)  # type: ignore[misc]


def _address(service: object) -> tuple[str, ...]:
    """The module and the name under which moto keeps the backends of a service; empty for what has none."""
    for module in [one for name, one in sys.modules.items() if name.startswith("moto.") and name.endswith("models")]:
        for name, value in vars(module).items():
            if value is service:
                return module.__name__, name
    return ()


def _service_of(account: AccountSpecificBackend[Any]) -> object:
    return next(one for one in _in_use() if dict.get(one, account.account_id) is account)


_REDUCERS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    _LOCK: lambda _: (threading.Lock, ()),
    _RLOCK: lambda _: (threading.RLock, ()),
    threading.Condition: lambda _: (threading.Condition, ()),
    threading.Event: lambda event: (_event, (event.is_set(),)),
    queue.SimpleQueue: lambda _: (queue.SimpleQueue, ()),
    ThreadPoolExecutor: lambda pool: (ThreadPoolExecutor, (pool._max_workers, pool._thread_name_prefix)),
    weakref.WeakValueDictionary: lambda held: (weakref.WeakValueDictionary, (), None, None, iter(list(held.items()))),
    weakref.WeakKeyDictionary: lambda held: (weakref.WeakKeyDictionary, (), None, None, iter(list(held.items()))),
}


def _event(happened: bool) -> threading.Event:
    event = threading.Event()
    if happened:
        event.set()
    return event


def _der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)


def _private_key(der: bytes) -> Any:
    return serialization.load_der_private_key(der, password=None)


def _dict_parts(held: Any) -> tuple[Any, ...]:
    """Moto's own kinds of dictionary: their constructors want arguments, and some (S3's versions) show only a part."""
    items = list(_plain(held).items(held))
    return (
        _bare_dict,
        (type(held),),
        (getattr(held, "__dict__", {}), getattr(held, "default_factory", None), items),
        None,
        None,
        _fill,
    )


def _plain(held: Any) -> type[dict[Any, Any]]:
    return OrderedDict if isinstance(held, OrderedDict) else dict


def _bare_dict(kind: type[Any]) -> Any:
    return dict.__new__(kind)


def _fill(made: Any, state: tuple[dict[str, Any], Any, list[tuple[Any, Any]]]) -> None:
    attributes, factory, items = state
    if attributes:
        vars(made).update(attributes)
    if factory is not None:
        made.default_factory = factory
    for key, value in items:
        _plain(made).__setitem__(made, key, value)


def _function_parts(function: types.FunctionType) -> tuple[Any, ...]:
    """Moto makes defaultdicts with lambdas. Their code is this Python's, which the world's stamp names."""
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    return _function, (marshal.dumps(function.__code__), function.__module__, function.__defaults__, cells)


def _function(code: bytes, module: str, defaults: Any, cells: tuple[Any, ...]) -> types.FunctionType:
    globals_ = vars(importlib.import_module(module))
    own = marshal.loads(code)  # noqa: S302 - as trusted as the pickle around it
    return types.FunctionType(own, globals_, argdefs=defaults, closure=tuple(map(types.CellType, cells)) or None)
