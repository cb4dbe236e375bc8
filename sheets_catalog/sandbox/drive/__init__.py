"""Drive v3 and v2 on loopback."""
