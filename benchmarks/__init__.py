"""Figures of Sheets Catalog, measured side by side with what people would otherwise do.

``python -m benchmarks`` runs everything against one sandbox process and prints one table; ``--json`` prints one object.
Every claim is a ratio between two ways measured in the same run, on the same sandbox, under the same published limits.
"""
