"""`leader top`: a live, interactive picture of the cluster, from what the agent of this node says."""
