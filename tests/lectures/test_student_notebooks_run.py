"""Each lecture runs to its end as students open it, with every exercise empty."""

from __future__ import annotations

import pytest
from lectures_run import EACH, runs_to_its_end


@pytest.mark.slow
@EACH
def test_it_runs_to_its_end(source, tmp_path):
    runs_to_its_end(source, tmp_path, solutions=False)
