"""The `sheets-catalog` command: thin commands over the flows, and pure functions that render what they return."""
