"""The whole sandbox as one JSON value: save, load, snapshot, and the difference of two snapshots."""

from __future__ import annotations

import json
import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sheets_catalog.sandbox.wire import JSON, Service, World

FILE: Final = "state.json"
VERSION: Final = 1
MISSING: Final = "(missing)"


def dump(world: World, services: Mapping[str, Service]) -> dict[str, JSON]:
    """Everything a sandbox needs to go on later, secrets of the sandbox included."""
    with world.lock:
        return {
            "version": VERSION,
            "clock": world.clock.dump(),
            "random": _random_state(world),
            "ledger": world.ledger.since(0),
            "services": {name: service.dump() for name, service in services.items()},
        }


def load(world: World, services: Mapping[str, Service], state: Mapping[str, Any]) -> None:
    """Go on from a dump; services that it does not mention stay as they are. InputError: of another version."""
    if state.get("version") != VERSION:
        raise InputError(
            f"The saved sandbox has version {state.get('version')!r}; this one reads version {VERSION}.",
            advice="Start with another directory, or with the program that saved it.",
        )
    with world.lock:
        world.clock.load(state["clock"])
        world.ledger.restore(state["ledger"])
        kind, numbers, gauss = state["random"]
        world.random.setstate((kind, tuple(numbers), gauss))
        for name, service in services.items():
            if name in state["services"]:
                service.load(state["services"][name])


def _random_state(world: World) -> list[Any]:
    kind, numbers, gauss = world.random.getstate()
    return [kind, list(numbers), gauss]


def save_to(directory: Path, state: Mapping[str, JSON]) -> Path:
    """Write `state.json` in the directory, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / FILE
    draft = directory / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(path)
    return path


def load_from(directory: Path) -> dict[str, JSON] | None:
    """Read `state.json` of the directory, None when there is none. InputError: it is not what was saved."""
    path = directory / FILE
    if not path.exists():
        return None
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(state, dict):
        raise _unreadable(path, f"found a {type(state).__name__}, expected an object")
    return state


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} does not hold a saved sandbox: {reason}.", advice="Delete it, or start with another directory."
    )


def snapshot(world: World, services: Mapping[str, Service]) -> dict[str, JSON]:
    """What the outside could see of the services' data: without tokens, clocks and random numbers."""
    with world.lock:
        return {name: service.dump() for name, service in services.items() if name != "identity"}


def difference(before: JSON, after: JSON, ignore: tuple[str, ...] = ()) -> list[dict[str, JSON]]:
    """Every leaf that differs: [{path, before, after}]; `ignore`: globs over paths such as `drive.files.*.version`."""
    return [
        {"path": path, "before": old, "after": new}
        for path, old, new in _differences(before, after, "")
        if not any(fnmatchcase(path, glob) for glob in ignore)
    ]


def _differences(before: JSON, after: JSON, path: str) -> Iterator[tuple[str, JSON, JSON]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(before.get(key, MISSING), after.get(key, MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else MISSING
            new = after[index] if index < len(after) else MISSING
            yield from _differences(old, new, f"{path}[{index}]")
    elif before != after:
        yield path, before, after
