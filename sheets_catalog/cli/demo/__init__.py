"""The demo: one whole story on a sandbox, every promise of it checked against what the sandbox saw."""
