"""Many files scored by many processes, on one machine or a cluster: each row exactly once."""
