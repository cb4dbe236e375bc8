"""Catalogues that a sandbox shop can start with: `empty`, `sample`, `reference`, or any Shopify product CSV."""

from __future__ import annotations

from pathlib import Path

from sheets_catalog.errors import InputError
from sheets_catalog.sandbox.catalogues.draft import Catalogue, DraftLocation, DraftProduct, DraftVariant
from sheets_catalog.sandbox.catalogues.product_csv import read_product_csv
from sheets_catalog.sandbox.catalogues.reference import reference_catalogue
from sheets_catalog.sandbox.catalogues.sample import sample_catalogue

__all__ = [
    "Catalogue",
    "DraftLocation",
    "DraftProduct",
    "DraftVariant",
    "load_catalogue",
    "read_product_csv",
    "reference_catalogue",
    "sample_catalogue",
]


def load_catalogue(name: str) -> Catalogue:
    """A catalogue by name, or from the CSV file of that path; InputError when there is neither."""
    if name == "empty":
        return Catalogue("empty", (), (DraftLocation("Shop location"),))
    if name == "sample":
        return sample_catalogue()
    if name == "reference":
        return reference_catalogue()
    path = Path(name)
    if path.is_file():
        return read_product_csv(path)
    raise InputError(
        f"catalogue is {name!r}; expected empty, sample, reference, or the path of a Shopify product CSV.",
        advice="Give the path of an existing .csv file, or one of the three names.",
    )
