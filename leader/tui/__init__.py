"""What status and demo draw: pure functions of the read model."""
