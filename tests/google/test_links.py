from __future__ import annotations

import pytest

from sheets_catalog.errors import InputError
from sheets_catalog.google.links import file_id_from

ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        f"<{ID}>",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=0",
        f"https://docs.google.com/spreadsheets/d/{ID}/edit?gid=17#gid=17",
        f"https://docs.google.com/spreadsheets/d/{ID}",
        f"https://docs.google.com/spreadsheets/u/1/d/{ID}/edit",
        f"https://docs.google.com/a/example.com/spreadsheets/d/{ID}/edit",
        f"https://docs.google.com/document/d/{ID}/edit",
        f"https://docs.google.com/presentation/d/{ID}/edit",
        f"https://docs.google.com/forms/d/{ID}/edit",
        f"docs.google.com/spreadsheets/d/{ID}/edit",
        f"https://drive.google.com/file/d/{ID}/view?usp=sharing",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/open?usp=drive_fs&id={ID}",
        f"https://drive.google.com/uc?export=download&id={ID}",
        f"https://drive.google.com/drive/folders/{ID}?usp=sharing",
        f"https://drive.google.com/drive/u/0/folders/{ID}",
        f"https://drive.google.com/drive/u/0/mobile/folders/{ID}",
        f"https://drive.google.com/a/example.com/folderview?id={ID}",
        f"https://spreadsheets.google.com/ccc?key={ID}&hl=en#gid=0",
        f"https://docs.google.com/spreadsheet/ccc?key={ID}",
        f"http://docs.google.com/spreadsheets/d/{ID}/export?format=csv",
    ],
)
def test_the_id_is_found_in_every_form_people_paste(text) -> None:
    assert file_id_from(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "two words here",
        "https://example.com/spreadsheets/d/" + ID,
        "https://docs.google.com.evil.example/spreadsheets/d/" + ID,
        "https://evil.example/?u=https://docs.google.com/spreadsheets/d/" + ID,
        "https://docs.google.com/spreadsheets/u/0/",
        "ftp://docs.google.com/spreadsheets/d/" + ID,
        "https://docs.google.com/spreadsheets/d/has%20space%20in%20it/edit",
        "https://docs.google.com/spreadsheets/d/../../etc/passwd",
        "../" + ID,
        ID + "/..",
        ID + "\u0660",
    ],
)
def test_anything_else_is_refused_with_advice(text) -> None:
    with pytest.raises(InputError) as caught:
        file_id_from(text)
    assert "address bar" in caught.value.advice


def test_a_published_page_is_told_apart() -> None:
    with pytest.raises(InputError, match="published"):
        file_id_from("https://docs.google.com/spreadsheets/d/e/2PACX-1vQabcdefghijklmnop/pubhtml")
