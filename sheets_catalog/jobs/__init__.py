"""Execution of plans: batches, books, checkpoints, lease, retry, breaker, clock. Knows no vendor."""
