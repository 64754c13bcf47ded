"""The machine room: building, releasing and grading the course. A student's package has none of it."""
