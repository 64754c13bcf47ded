"""What listens: networks from a sound to the digit that was said. Lectures 02, 10 and 11.

:mod:`a2d.ears.mlp` hears the mean of the MFCCs, as the report does, and forgets the order of the sounds.
:mod:`a2d.ears.cnn` hears the spectrogram itself, knows voices it never met, and says how sure it is.
:mod:`a2d.ears.augment` makes many recordings out of one: other rooms, other microphones, other people.
:mod:`a2d.ears.adapt` lets such a network learn one voice from a few takes.
"""

from a2d.ears.mlp import AudioMLP, FeatureScaler, MlpConfig, mlp, standard_normal

__all__ = ["AudioMLP", "FeatureScaler", "MlpConfig", "mlp", "standard_normal"]
