"""A modest formula engine: enough for the formulas that people keep beside their data.

`text` reads and rewrites references, `syntax` parses, `evaluation` computes, `functions` holds the functions.
What is not known evaluates to `#NAME?`, as an unknown function does in Sheets; nothing is guessed.
"""
