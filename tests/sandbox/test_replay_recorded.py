"""The sandbox answers what Google really answered: recorded requests are replayed and the answers compared.

An episode is one recorded test: it begins with the creation of its spreadsheet. Ids that the server gives are learnt from
the answers by their place and put into later requests. Requests to files that the episode did not make are left out.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter

import pytest
import requests

from sheets_catalog.sandbox import Sandbox
from tests.shared_data import shared

PRODUCT = re.compile(r"(?:GET|POST|PUT) /v4/spreadsheets/|(?:GET|POST|DELETE) /drive/v3/files")
"""Endpoints that the product itself uses."""
ID_KEYS = {"id", "spreadsheetId", "sheetId", "protectedRangeId", "namedRangeId"}
SERVERS_OWN = {
    "createdTime", "modifiedTime", "createdDate", "modifiedDate", "modifiedByMeDate", "etag", "headRevisionId", "version",
    "permissionId", "selfLink", "alternateLink", "embedLink", "exportLinks", "iconLink", "lastViewedByMeDate", "owners",
    "emailAddress", "displayName", "ownerNames", "lastModifyingUser", "lastModifyingUserName", "userPermission",
    "permissionIds", "permissions", "thumbnailLink", "webViewLink", "editors", "users",
}  # fmt: skip
"""Times, people and links: every server has its own."""
FOREIGN = {"test", "1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc"}


class Names:
    """Recorded ids and the sandbox's own ids for the same things."""

    def __init__(self):
        self.texts, self.numbers = {}, {}

    def learn(self, recorded, got, key=None):
        if isinstance(recorded, dict) and isinstance(got, dict):
            for name in recorded.keys() & got.keys():
                self.learn(recorded[name], got[name], name)
        elif isinstance(recorded, list) and isinstance(got, list):
            for one, other in zip(recorded, got, strict=False):
                self.learn(one, other, key)
        elif key in ID_KEYS and isinstance(recorded, str) and len(recorded) > 6:
            self.texts.setdefault(recorded, got)
        elif key in ID_KEYS and isinstance(recorded, int):
            self.numbers.setdefault((key, recorded), got)

    def text(self, text):
        for recorded, got in self.texts.items():
            text = text.replace(recorded, got)
        return text

    def put(self, value, key=None):
        if isinstance(value, dict):
            return {name: self.put(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.put(item, key) for item in value]
        if isinstance(value, str):
            return self.text(value)
        return self.numbers.get((key, value), value)


def differences(recorded, got, names, key=None, path=""):
    """(is it the shape, path, recorded, got) of everything that differs."""
    if key in SERVERS_OWN:
        return
    if isinstance(recorded, dict) and isinstance(got, dict):
        for name in sorted(recorded.keys() ^ got.keys()):
            yield True, f"{path}.{name}", recorded.get(name), got.get(name)
        for name in recorded.keys() & got.keys():
            yield from differences(recorded[name], got[name], names, name, f"{path}.{name}")
    elif isinstance(recorded, list) and isinstance(got, list):
        if len(recorded) != len(got):
            yield True, path, len(recorded), len(got)
        for one, other in zip(recorded, got, strict=False):
            yield from differences(one, other, names, key, f"{path}[]")
    elif not same_kind(recorded, got):
        yield True, path, recorded, got
    elif names.put(recorded, key) != got and not close(recorded, got):
        yield False, path, recorded, got


def number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def same_kind(one, other):
    return type(one) is type(other) or (number(one) and number(other))


def close(one, other):
    return number(one) and number(other) and abs(one - other) < 1e-6


def episodes():
    found, current = [], ""
    with gzip.open(shared("data", "recorded-google", "pairs.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for pair in map(json.loads, lines):
            if not pair["test_exists"]:
                continue
            name = (pair["request_body"] or {}).get("name", "") if isinstance(pair["request_body"], dict) else ""
            begins = pair["endpoint"] == "POST /drive/v3/files" and name.startswith(
                f"Test {pair['test'].partition('.')[0]}"
            )
            if begins or pair["test"] != current:
                found.append([])
            current = pair["test"]
            found[-1].append(pair)
    return found


def replay(session, url, pair, names):
    """(status, body) of the sandbox's answer to a recorded request."""
    body = names.put(pair["request_body"])
    options = {}
    if isinstance(body, dict | list):
        options["json"] = body
    elif body is not None:
        kinds = {name.lower(): value for name, value in pair.get("request_headers", {}).items()}
        options |= {
            "data": body.encode(),
            "headers": {"Content-Type": (kinds.get("content-type") or ["text/plain"])[0]},
        }
    query = [(name, names.text(value)) for name, value in pair["query"]]
    answer = session.request(pair["method"], url + names.text(pair["path"]), params=query, timeout=30, **options)
    text = answer.content.decode()
    try:
        return answer.status_code, json.loads(text) if text else None
    except ValueError:
        return answer.status_code, text


@pytest.fixture(scope="module")
def tally():
    """Counts of replayed answers by (endpoint used by the product?, agreement), and the first differences."""
    recordings = episodes()
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = "Bearer sandbox-token"
    counts, examples = Counter(), []
    with Sandbox.start("empty", speed=1_000_000.0, latency="none") as sandbox:
        for episode in recordings:
            names = Names()
            for pair in episode:
                place = re.match(r"/(?:v4/spreadsheets|drive/v3/files|upload/drive/v2/files)/([^/:?]+)", pair["path"])
                if place and place[1] not in names.texts and place[1] not in FOREIGN:
                    continue
                status, got = replay(session, sandbox.url, pair, names)
                found = compared(pair, status, got, names)
                counts["all"] += 1
                used = bool(PRODUCT.match(pair["endpoint"]))
                counts["product"] += used
                shape = not any(shape for shape, *_ in found)
                counts["all agree"] += shape
                counts["product agrees"] += shape and used
                counts["all equal"] += not found
                examples += [(pair["test"], pair["seq"], pair["endpoint"], *one) for one in found[:2]]
        assert not sandbox.gateway.crashes
    return counts, examples


def compared(pair, status, got, names):
    recorded = pair["response_body"]
    if status != pair["status"]:
        return [(True, "status", pair["status"], status)]
    if status < 300:
        names.learn(recorded, got)
    if pair["endpoint"] == "GET /drive/v3/files":  # a whole account: one file of it says what files look like
        recorded, got = (
            {key: item[:1] if isinstance(item, list) else item for key, item in body.items()}
            for body in (recorded, got)
        )
        return [one for one in differences(recorded, got, names) if one[0]]
    return list(differences(recorded, got, names))


def test_enough_is_replayed_to_mean_something(tally):
    counts, _ = tally
    assert counts["all"] > 1000
    assert counts["product"] > 1000


def test_status_and_shape_agree_on_the_endpoints_the_product_uses(tally):
    counts, examples = tally
    assert counts["product agrees"] / counts["product"] >= 0.99, examples


def test_status_and_shape_agree_over_all(tally):
    counts, examples = tally
    assert counts["all agree"] / counts["all"] >= 0.99, examples


def test_values_agree_as_well(tally):
    counts, examples = tally
    assert counts["all equal"] / counts["all"] >= 0.98, examples
