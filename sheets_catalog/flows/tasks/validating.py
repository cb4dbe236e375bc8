"""Whether a task's files are complete and can be copied (SD-4). Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sheets_catalog.errors import InputError
from sheets_catalog.flows.tasks.files import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sheets_catalog.flows.tasks.files import Found, TaskFiles
    from sheets_catalog.flows.tasks.register import Rules

LARGEST_COPY = 750 * 10**9
"""Bytes of the largest file that can be copied (https://developers.google.com/workspace/drive/api/guides/limits)."""

MOST_NATIVE = 20
"""Files in Google's own formats of one task: each needs a property of the task's folder, which has 30."""

MOST_FILES = 500_000
"""Most items that a folder in Drive can hold (https://support.google.com/drive/answer/2494822)."""

_IMAGES = {".jpg", ".jpeg", ".png", ".heic", ".tif", ".tiff", ".webp"}


def check_rules(rules: Rules) -> Rules:
    """The rules, if they can be used. Raises `InputError`."""
    try:
        re.compile(rules.base_images)
    except re.error as error:
        raise InputError(f"The pattern for base images “{rules.base_images}” cannot be read: {error}.") from error
    bad = [ending for ending in rules.required if not re.fullmatch(r"\.[\w.]+", ending)]
    if bad:
        raise InputError(f"Found the ending “{bad[0]}”, expected one like “.obj”.")
    if not 1 <= rules.least_files <= MOST_FILES:
        raise InputError(f"Found {rules.least_files} as the least number of files, expected 1 to {MOST_FILES:,}.")
    return rules


def problems_of(folder_name: str, files: TaskFiles, rules: Rules) -> list[Problem]:
    """Everything that keeps a task from being staged; empty when nothing does."""
    return [
        *files.problems,
        *_bad_name(folder_name),
        *_uncopyable(files.found, rules),
        *_missing_types(folder_name, files.found, rules),
        *_too_few(files.found, rules),
    ]


def _bad_name(folder_name: str) -> Iterator[Problem]:
    if not folder_name.strip():
        yield Problem("no_folder_name", "", "The task has no folder name.", "Type one.", "Folder Name")


def _uncopyable(found: Sequence[Found], rules: Rules) -> Iterator[Problem]:
    for each in found:
        file = each.file
        if not file.may("canCopy"):
            advice = "Ask its owner to allow copying, or replace it."
            yield Problem("not_copyable", each.named, f"“{each.named}” may not be copied by this account.", advice)
        elif file.is_native and rules.native == "refuse":
            message = f"“{each.named}” is in one of Google's own formats."
            yield Problem("native", each.named, message, "Export it first.")
        elif (file.size or 0) > LARGEST_COPY:
            message = f"“{each.named}” is larger than the 750 GB that Drive copies."
            yield Problem("too_large", each.named, message, "Split it.")
    native = sum(each.file.is_native for each in found)
    if native > MOST_NATIVE:
        message = f"The task has {native} files in Google's own formats, at most {MOST_NATIVE} fit."
        yield Problem("many_native", "", message, "Export some of them first.")


def _missing_types(folder_name: str, found: Sequence[Found], rules: Rules) -> Iterator[Problem]:
    """At least one file of each required ending with the folder's name in its own."""
    name = plain(folder_name)
    for ending in rules.required:
        right = [each for each in found if _ends_with(each, ending) and not is_base_image(each, rules)]
        if any(name in plain(each.named) for each in right):
            continue
        message = f"There is no {ending} file" + (" (base images do not count)" if ending in _IMAGES else "")
        if right:
            message = f"“{right[0].named}” is a {ending} file, but none has the folder name “{folder_name}” in its name"
        advice = f"Add a {ending} file named like the folder, or mend its name."
        yield Problem(f"missing{ending}", right[0].named if right else "", message + ".", advice)


def _too_few(found: Sequence[Found], rules: Rules) -> Iterator[Problem]:
    if len(found) < rules.least_files:
        message = f"The task has {len(found)} file{'s' * (len(found) != 1)}, expected at least {rules.least_files}."
        yield Problem("too_few_files", "", message, "Add what is missing, or its link.")


def is_base_image(found: Found, rules: Rules) -> bool:
    """Whether it is an image that was there before the work: linked as such, or named so."""
    ending = _ending(found.named)
    if ending not in _IMAGES:
        return False
    return found.column == "images" or bool(re.search(rules.base_images, plain(found.named)))


def _ends_with(found: Found, ending: str) -> bool:
    return _ending(found.named) == ending.casefold()


def _ending(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].casefold() if dot >= 0 else ""


def plain(text: str) -> str:
    """A name as it is compared: composed, without case and outer spaces."""
    return unicodedata.normalize("NFC", text).casefold().strip()
