"""What people set out to do: import, plan, apply, verify. Each flow is thin: it wires the engine to the adapters."""
