"""The request kinds of spreadsheets.batchUpdate, grouped by what they work on."""
