"""How Sphinx makes the site; ``python -m teach.site`` puts the pages beside this file, and calls Sphinx."""

import os

import a2d

project = "Digits from Sound"
author = "The Digits from Sound team"
copyright = "The Digits from Sound team, MIT licence"
version = release = a2d.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinxcontrib.bibtex"]
exclude_patterns = ["_static"]

# The lectures are shown as they were run; nothing runs here.
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

# MathJax of the package django-static-mathjax, which teach.site has put there: no other computer is asked.
mathjax_path = "mathjax/tex-mml-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_copy_source = False
html_sourcelink_suffix = ""
html_last_updated_fmt = None
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_issues_button": False,
    "use_repository_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 1,
    "navbar_persistent": [],
}
# The buttons lead to the lecture as a student opens it, at the version's tag: pages and notebooks have one name.
if address := os.environ.get("A2D_SITE_REPOSITORY"):
    html_theme_options |= {
        "repository_url": f"https://github.com/{address}",
        "repository_branch": f"v{version}",
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }


def without_wrong_roles(app, page, template, context, doctree):
    """Docutils calls a bibliography a list, though what it holds are no list's items: screen readers stumble."""
    body = context.get("body", "").replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    context["body"] = body.replace(' role="doc-biblioentry"', "")


def setup(app):
    app.connect("html-page-context", without_wrong_roles)
