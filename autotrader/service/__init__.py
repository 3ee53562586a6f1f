"""The service: the runner with its jobs, notifications and logs."""
