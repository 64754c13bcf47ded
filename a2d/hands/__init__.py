"""Hands: generators that draw a digit for what an ear has heard. Lecture 09.

``flow`` is the one that is shipped; ``style`` and ``adversarial`` hold what it is compared with; ``common`` says how
all of them are asked, and ``autoencoder`` makes the latent in which the flow runs.
"""

from __future__ import annotations

from a2d.hands.adversarial import ConditionalGan, Discriminator, GanConfig, VaeGan, VaeGanConfig
from a2d.hands.autoencoder import Autoencoder
from a2d.hands.common import Hands, Ink, as_says
from a2d.hands.flow import FlowConfig, FlowHands, integrate, logit_normal, straight_path
from a2d.hands.style import StyleConfig, StyleCVAE, class_leak, reverse_gradient

__all__ = ["Autoencoder", "ConditionalGan", "Discriminator", "FlowConfig", "FlowHands", "GanConfig", "Hands", "Ink"]
__all__ += ["StyleCVAE", "StyleConfig", "VaeGan", "VaeGanConfig", "as_says", "class_leak", "integrate", "logit_normal"]
__all__ += ["reverse_gradient", "straight_path"]
