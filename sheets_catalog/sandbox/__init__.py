"""Google and Shopify on loopback: real wire protocols, real limits, faults on request, a ledger of effects.

`Sandbox.start()` embeds one in a test; `serve()` runs one as a process. Everything else here is private to
the sandbox. The product imports nothing from this package.
"""

from __future__ import annotations

from sheets_catalog.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "serve"]
