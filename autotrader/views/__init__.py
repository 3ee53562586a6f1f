"""Read-only pictures of a store, as values: command line, pages and metrics show these and nothing else."""
