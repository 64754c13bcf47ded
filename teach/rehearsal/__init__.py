"""A class of pretend students, to try grading with."""
