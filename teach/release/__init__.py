"""What is handed out: a folder and a zip for students, or a course for nbgrader."""
