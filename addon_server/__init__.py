"""Thin WSGI backend of the Workspace add-on."""
