"""Honest but odd notebooks: each answers exercise 1.1 rightly, in a way that only the running notebook shows. No test.

``ODD``: by name, the cells of a notebook in whose fresh run ``a2d.check`` calls the answer right.
"""

from __future__ import annotations

START = "import numpy as np\nimport a2d"
CHECK = 'a2d.check("1.1", frame)'
GIVES = "np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + 1, hop_length)])"
RIGHT = f"def frame(x, n_fft, hop_length):\n    return {GIVES}"
STUB = "def frame(x, n_fft, hop_length):\n    ..."

ODD: dict[str, tuple[str, ...]] = {
    # ---------------------------------------------------------------------------------------------- imports
    "several imports in a line": ("import numpy as np, matplotlib.pyplot as plt", RIGHT),
    "librosa beside numpy": ("import numpy as np, librosa", RIGHT),
    "imports in a try": (
        "try:\n    import numpy as np; import librosa\nexcept ImportError as e:\n    raise SystemExit('no') from e",
        RIGHT,
    ),
    "a star import that is not used": ("from matplotlib.pyplot import *\nimport numpy as np", RIGHT),
    "names of the package beside each other": ("from a2d import features, audio\nimport numpy as np", RIGHT),
    "future annotations": (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport numpy as np\n"
        "if TYPE_CHECKING:\n    from numpy.typing import NDArray",
        "from __future__ import annotations\n"
        f"def frame(x: NDArray, n_fft: int, hop_length: int) -> NDArray:\n    return {GIVES}",
    ),
    # ------------------------------------------------------------------------------------------ code after the answer
    "a helper corrected later": (
        "def starts(n, size, hop):\n    return range(0, n, hop)",
        "def frame(x, n_fft, hop_length):\n"
        "    return np.stack([x[i : i + n_fft] for i in starts(len(x), n_fft, hop_length)])",
        "def starts(n, size, hop):\n    return range(0, n - size + 1, hop)",
    ),
    "a constant corrected later": (
        "OFF = 0",
        "def frame(x, n_fft, hop_length):\n"
        "    return np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + OFF, hop_length)])",
        "OFF = 1",
    ),
    "wrapped by itself": (
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('x[i : i + n_fft]', 'x[i : i + n_fft][::-1]')}",
        "def turned(f):\n    def inner(*a):\n        return f(*a)[:, ::-1]\n    return inner",
        "frame = turned(frame)",
    ),
    # --------------------------------------------------------------------------------------------- changes by a call
    "a list that is filled": (
        "ONE = []\nfor k in (1,):\n    ONE.append(k)",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ ONE[0]')}",
    ),
    "a dict that is updated": (
        "D = {}\nD.update(one=1)",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ D[chr(111) + chr(110) + chr(101)]')}",
    ),
    "an array that is filled": (
        "a = np.zeros(1, int)\na.fill(1)",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ a[0]')}",
    ),
    "a timed assignment": (
        "%time ONE = 1",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ ONE')}",
    ),
    "globals": (
        "globals()['ONE'] = 1",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ ONE')}",
    ),
    "setattr": (
        "class Box: pass\nbox = Box()\nsetattr(box, 'one', 1)",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ box.one')}",
    ),
    "a registry": (
        "KNOWN = {}\ndef known(f):\n    KNOWN[f.__name__] = f\n    return f",
        f"@known\ndef framed(x, n_fft, hop_length):\n    return {GIVES}",
        "def frame(x, n_fft, hop_length):\n    return KNOWN['framed'](x, n_fft, hop_length)",
    ),
    "setdefault": (
        "D = {}\nD.setdefault('one', 1)",
        f"def frame(x, n_fft, hop_length):\n    one = D['one']\n    return {GIVES.replace('+ 1', '+ one')}",
    ),
    "singledispatch": (
        "from functools import singledispatch\n@singledispatch\ndef cut(x, n, h):\n    raise TypeError",
        "@cut.register\ndef _(x: np.ndarray, n, h):\n"
        "    return np.stack([x[i : i + n] for i in range(0, len(x) - n + 1, h)])",
        "def frame(x, n_fft, hop_length):\n    return cut(x, n_fft, hop_length)",
    ),
    # ------------------------------------------------------------------------------------------- bound in another way
    "a partial": (
        "from functools import partial\n"
        f"def general(one, x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ one')}",
        "frame = partial(general, 1)",
    ),
    "a static method": (
        f"class Ex:\n    @staticmethod\n    def frame(x, n_fft, hop_length):\n        return {GIVES}",
        "frame = Ex.frame",
    ),
    "an object that is called": (
        f"class Framer:\n    def __call__(self, x, n_fft, hop_length):\n        return {GIVES}",
        "frame = Framer()",
    ),
    "an annotated lambda": (
        "from collections.abc import Callable",
        f"frame: Callable = lambda x, n_fft, hop_length: {GIVES}",
    ),
    "out of a tuple": (f"frame, _ = lambda x, n_fft, hop_length: {GIVES}, None",),
    "out of a maker": (
        f"def make():\n    def frame(x, n_fft, hop_length):\n        return {GIVES}\n    return frame",
        "frame = make()",
    ),
    "in a match": (f"match 1:\n    case 1:\n        def frame(x, n_fft, hop_length):\n            return {GIVES}",),
    "checked by keywords": (RIGHT.replace("frame", "f"), 'a2d.check(id="1.1", function=f)'),
    "checked as a lambda": (f'a2d.check("1.1", lambda x, n_fft, hop_length: {GIVES})',),
    "by exec": (f"exec('''{RIGHT}''')",),
    "from a file written by the notebook": (
        f"%%writefile my_frames.py\nimport numpy as np\n{RIGHT}",
        "from my_frames import frame",
    ),
    # ------------------------------------------------------------------------------------------------- magics
    "black's layout below a magic": (
        "%matplotlib inline\nlast = 7\nrest = (\n    last\n    % 3\n)",
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ rest')}",
    ),
    "a format below a shell line": (
        '!echo hello\nprint("%d"\n% 3)\nONE = 1',
        f"def frame(x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ ONE')}",
    ),
    "a cell magic that runs the cell": (f"%%time\n{RIGHT}",),
    "captured": (f"%%capture out\n{RIGHT}",),
    "help beside it": (f"{RIGHT}\nframe?",),
    # ------------------------------------------------------------------------------------------ failing neighbours
    "a cell that fails before": ("1 / 0", RIGHT),
    "a package that is not there": ("import there_is_no_such_package", RIGHT),
    "half a cell that fails": (f"{RIGHT}\nraise RuntimeError",),
    "an install": ("%pip install numpy", RIGHT),
    "two answers, the second better": (RIGHT.replace("+ 1", ""), CHECK, RIGHT),
    "the stub after it in another cell": (RIGHT, CHECK, "x = 3", "frame = None"),
    "used for something else later": (RIGHT, CHECK, "frame = np.zeros(3)"),
}


def cells_of(name: str) -> list[str]:
    """The cells of an odd notebook, with the usual beginning, and with a check where it has none."""
    own = list(ODD[name])
    checked = any("a2d.check" in cell for cell in own[-1:]) or CHECK in own[1:]
    again = name == "two answers, the second better"
    return [START, *own, *([CHECK] if again or not checked else [])]


# ------------------------------------------------------------------------------- every exercise, in every odd way


def _ways(name: str) -> dict[str, str]:
    """Lines after a right answer that bind its name anew, by what they do; the answer stays right."""
    return {
        "partial": f"from functools import partial\n{name} = partial({name})",
        "decorated": (
            "import functools\ndef logged(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n"
            f"        return f(*a, **k)\n    return inner\n{name} = logged({name})"
        ),
        "object": (
            f"class Odd:\n    f = staticmethod({name})\n    def __call__(self, *a):\n        return self.f(*a)\n"
            f"{name} = Odd()"
        ),
        "method": (
            f"class Odd:\n    f = staticmethod({name})\n    def go(self, *a):\n        return self.f(*a)\n"
            f"{name} = Odd().go"
        ),
        "registry": f"KNOWN = {{}}\nKNOWN.update(f={name})\ndel {name}\n{name} = lambda *a: KNOWN['f'](*a)",
        "maker": f"def make(f):\n    def inner(*a):\n        return f(*a)\n    return inner\n{name} = make({name})",
        "globals": f"globals()['{name}'] = globals().pop('{name}')",
        "loop": f"for {name} in [{name}]:\n    pass",
        "with": f"import contextlib\nwith contextlib.nullcontext({name}) as {name}:\n    pass",
        "walrus": f"print({name} := {name})",
        "unpacked": f"{name}, *_ = [{name}, 2, 3]",
        "failing": f"{name} = {name}\nraise RuntimeError('after it')",
        "timed": f"%time {name} = {name}",
    }


WAYS = tuple(_ways("f"))


def in_a_way(way: str, answers: dict[str, tuple[str, str]]) -> list[str]:
    """The cells of a notebook with right answers, each bound in an odd way and checked.

    ``answers``: the exercise's id to the name of its function and its source.
    """
    cells = ["import a2d"]
    for id, (name, source) in answers.items():
        cells += [source, _ways(name)[way], f'a2d.check("{id}", {name})', f"{name} = None"]
    return cells
