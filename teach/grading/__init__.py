"""Grading what students hand in.

The way of a submission: :mod:`files` tells what lies in a folder or zip, :mod:`collect` whose it is, and
:mod:`notebook` finds the answers in it; :mod:`teach.sandbox` runs the answers; :mod:`marking` compares what came out
with what the reference gives; and :mod:`grade` does this for a class and has :mod:`teach.reports` write about it.
"""
