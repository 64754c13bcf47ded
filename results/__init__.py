"""What makes the numbers, beside the numbers."""
