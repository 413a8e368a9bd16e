"""What chat models and embedders of the same provider share: addresses, keys, clients, failures, retries."""
