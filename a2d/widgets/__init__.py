"""The course's widgets: something to move, and a picture that answers. Lectures 00, 01, 03, 04, 07, 09, 10 and 11.

Each has a plain function (``*_view``) that gives the same picture without a browser. What a notebook stores of a
widget is one output that holds both: JupyterLab shows the widget, and whoever reads the notebook elsewhere sees the
picture. Importing this package is light; the front end is imported when a widget is made.
"""

from a2d.widgets.takes import Takes
from a2d.widgets.w00_start import own_recording
from a2d.widgets.w01_audio import mfcc_explorer, mfcc_view
from a2d.widgets.w03_vae import (
    BetaModel,
    BetaNumbers,
    beta_numbers,
    beta_slider,
    beta_view,
    latent_walker,
    strongest,
    walk_view,
)
from a2d.widgets.w04_pairing import target_trick, targets_view
from a2d.widgets.w07_annotation import annotation_view, annotator
from a2d.widgets.w09_hands import frontier_knob, hand_chooser, hands_view, knob_view
from a2d.widgets.w10_ears import ear_in_noise, ear_view
from a2d.widgets.w11_voice import recorder, takes_view

__all__ = [
    "BetaModel",
    "BetaNumbers",
    "Takes",
    "annotation_view",
    "annotator",
    "beta_numbers",
    "beta_slider",
    "beta_view",
    "ear_in_noise",
    "ear_view",
    "frontier_knob",
    "hand_chooser",
    "hands_view",
    "knob_view",
    "latent_walker",
    "mfcc_explorer",
    "mfcc_view",
    "own_recording",
    "recorder",
    "strongest",
    "takes_view",
    "target_trick",
    "targets_view",
    "walk_view",
]
