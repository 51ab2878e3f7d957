"""What is wrong with the quorum, the configuration, the host and the crontabs, and what mends it."""
