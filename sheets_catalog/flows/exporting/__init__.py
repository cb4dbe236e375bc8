"""Differential export: from the sheet to the shop."""
