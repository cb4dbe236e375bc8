"""What people see: pure functions from what the flows return to what rich prints."""
