"""Mutations. Each builds a new product tree (or refuses with user errors) and commits it through the context."""
