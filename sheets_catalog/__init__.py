"""Sheets Catalog."""
