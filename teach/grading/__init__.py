"""Grading what students hand in.

The way of a submission: :mod:`collect` finds the files, :mod:`reading` finds the answers in them, :mod:`box` runs the
answers in a sandbox (:mod:`runner` and :mod:`confine` are what runs in there), :mod:`marking` compares what came
out with what the reference gives, and :mod:`grade` does this for a class and writes the tables and pages.
"""
