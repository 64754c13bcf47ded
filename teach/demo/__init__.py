"""The page that draws without a server: the shipped ear and hands as one HTML file.

``export.py`` puts what the page needs of the models into one safetensors file; ``page/`` has the page and the
JavaScript that runs the same layers; ``build.py`` makes one file of all. ``python -m teach.demo --out FOLDER``.
"""
