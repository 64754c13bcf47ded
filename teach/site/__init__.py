"""The course as a web site: the executed lectures to read, their slides, the results, and the page that draws.

:mod:`teach.site.build` writes it; everything that a page needs lies in its folder, and nothing is asked of another
computer. The pages that are made from other files of the project (lectures, glossary, results, citation) are put
together by the other modules, as text; Sphinx then makes the pages, with ``docs/site/conf.py``.
"""
