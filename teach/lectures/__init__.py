"""Making the notebooks from their sources, checking them, and running them."""
