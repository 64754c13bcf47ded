"""The page in which a person marks answers in words: ``teach mark``.

:mod:`~teach.marking.desk` knows what there is to mark, :mod:`~teach.marking.agreement` compares two markers,
:mod:`~teach.marking.texts` makes a student's Markdown harmless, :mod:`~teach.marking.server` shows it all in a browser.
"""
