"""What a teacher and the students get to see of a graded class: tables, pages, figures."""
