"""``a2d.check`` and ``a2d.score``: running an answer, comparing it, and telling the learner what came out."""
