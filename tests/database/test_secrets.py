"""No secret ever reaches the disk, wherever it was said."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.books import Books
from sheets_catalog.database import (
    Audit,
    BatchStart,
    ErrorLog,
    FieldChange,
    Figure,
    RecordLog,
    SessionEnd,
    SessionStart,
)
from sheets_catalog.masking import MASK, mask_details, mask_message, mask_value

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvCANARYpemCANARYpem\n-----END PRIVATE KEY-----"
TOKENS = {
    "shopify token": "shpat_CANARY0123456789abcdef",
    "shopify secret": "shpss_CANARY0123456789abcdef",
    "sandbox token": "shpat_sandbox_CANARY01234",
    "google access token": "ya29.a0CANARY-abcdefghij_klmnop",
    "google refresh token": "1//0gCANARYabcdefghijklmnopqrstuv",
    "google client secret": "GOCSPX-CANARYabcdefghij",
    "google api key": "AIzaSyCANARYabcdefghijklmnopqrstuvwxyz01",
    "signed token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature",
    "private key": PEM,
    "private key in json": PEM.replace("\n", "\\n"),
    "half a private key": PEM[:50],
    "token in use": "plain-CANARY-words",
}
NAMED = (
    "password=CANARY123",
    '"client_secret": "CANARY123"',
    "refresh_token: 'CANARY 123'",
    "X-Shopify-Access-Token: CANARY123",
    "Authorization: Bearer CANARY123",
    "authorization: Basic CANARY123==",
    "GET https://owner:CANARY123@host/path failed",
    "postgresql+psycopg://audit:CANARY123@host/books",
    "https://host/?access_token=CANARY123&x=1",
)


def everything_with(secret: str) -> list:
    """One of everything that can be said, with a secret in every text."""
    text = f"before {secret} after"
    facts = {"list": [text, {"deep": text}], "text": text, text: 1}
    change = FieldChange("title", text, text, base=text)
    return [
        SessionStart("job-1", "export", NOON, text, "s", text, "shop", text, "", 1, facts),
        BatchStart("job-1", 1, NOON, 1),
        RecordLog("job-1", "variants", text, "update", "done", "op", (change,), text, 1, text, text),
        ErrorLog("job-1", "E", text, reason=text, advice=text, record_key=text, context=facts),
        Figure("calls", 1),
        SessionEnd("job-1", "failed", NOON, Books(), text, text),
    ]


@pytest.mark.parametrize("secret", TOKENS.values(), ids=TOKENS.keys())
def test_canaries_never_reach_the_disk(tmp_path, secret):
    """Said in every text field there is, a secret is not in the database file, its log, or any answer."""
    with Audit(tmp_path / "audit.sqlite3", secrets=[TOKENS["token in use"]]) as audit:
        start, batch, record, error, figure, end = everything_with(secret)
        audit.session_started(start)
        audit.batch_started(batch)
        audit.records([record])
        audit.error(error)
        audit.metrics("job-1", "run", [figure])
        audit.session_finished(end)
        report = audit.report("job-1")
        assert "CANARY" not in repr(report)
        assert "before ***" in report.session.title
        on_disk = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"CANARY" not in on_disk
    assert b"before ***" in on_disk


@pytest.mark.parametrize("text", NAMED)
def test_named_secrets_in_messages_and_details_are_masked(text):
    """Credentials that only their name gives away."""
    assert "CANARY" not in mask_message(f"it said {text} and stopped")
    assert mask_message(f"it said {text} and stopped").endswith("and stopped")


def test_details_under_a_telling_name_are_masked_whole():
    """Whatever stands under ``password`` goes; what stands under nothing is kept as nothing."""
    said = {"password": ["a", "b"], "Access-Token": "x", "client_secret": "", "note": "fine", "n": 1.5, "t": (1, None)}
    kept = {"password": MASK, "Access-Token": MASK, "client_secret": "", "note": "fine", "n": 1.5, "t": [1, None]}
    assert mask_details(said) == kept


def test_a_masked_value_says_that_it_is_not_whole(audit):
    """An undo must never write ``***`` into a shop."""
    audit.session_started(SessionStart("job-1", "export", NOON))
    audit.records([RecordLog("job-1", "products", "1", "update", "done", changes=(FieldChange("t", PEM, "new"),))])
    audit.flush()
    (kept,) = audit.find_records()
    assert kept.changes == (FieldChange("t", MASK, "new", intact=False),)


@pytest.mark.parametrize(
    "text",
    [
        "Password: the board game",
        "Secret: garden seeds, 1//2 inch",
        "shpat_",
        "eyJewellery box",
        "Use code BEARER2026 for 10 % off",
        "-----BEGIN-----",
        "AIza",
        "https://cdn.example.com/a//b",
    ],
)
def test_what_people_sell_is_not_mistaken_for_a_secret(text):
    """Values must come back as they were, or they could not be undone."""
    assert mask_value(text) == text


@given(st.text(max_size=200))
def test_masking_is_total_and_settled(text):
    """Any text can be masked, and masking again changes nothing."""
    assert mask_value(mask_value(text)) == mask_value(text)
    assert mask_message(mask_message(text)) == mask_message(text)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_the_file_and_its_new_folder_are_for_their_owner_only(tmp_path):
    path = tmp_path / "new" / "audit.sqlite3"
    with Audit(path) as audit:
        audit.session_started(SessionStart("s", "export", NOON))
        modes = {each.name: each.stat().st_mode & 0o777 for each in [path.parent, *path.parent.iterdir()]}
    assert modes.pop("new") == 0o700
    assert modes
    assert set(modes.values()) == {0o600}
