"""What status, history, health and demo show: pure functions of the read model; and the screen of top."""
