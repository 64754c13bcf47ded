"""Where students' code runs, apart from everything.

:mod:`box` is the outside, :mod:`worker` and :mod:`confine` are what runs inside, :mod:`wire` is how they talk.
"""
