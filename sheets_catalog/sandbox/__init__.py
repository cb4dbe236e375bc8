"""Google and Shopify on loopback: real wire protocols, real limits, faults on request, a ledger of effects."""
