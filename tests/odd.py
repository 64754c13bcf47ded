"""Honest but odd notebooks: each answers exercise 1.1 rightly, in a way that only the running notebook shows. No test.

``ODD``: by name, the cells of a notebook in whose fresh run ``a2d.check`` calls the answer right.
"""

from __future__ import annotations

START = "import numpy as np\nimport a2d"
CHECK = 'a2d.check("1.1", frame)'
GIVES = "np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + 1, hop_length)])"
HEAD = "def frame(x, n_fft, hop_length):\n"
RIGHT = f"{HEAD}    return {GIVES}"
STUB = f"{HEAD}    ..."


def plus(one: str) -> str:
    """The right answer, with the 1 in it by another name."""
    return RIGHT.replace("+ 1", f"+ {one}")


def over(starts: str) -> str:
    """A function that cuts at other starts."""
    return f"{HEAD}    return np.stack([x[i : i + n_fft] for i in {starts}])"


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
        f"{HEAD}    return np.stack([x[i : i + n_fft] for i in starts(len(x), n_fft, hop_length)])",
        "def starts(n, size, hop):\n    return range(0, n - size + 1, hop)",
    ),
    "a constant corrected later": (
        "OFF = 0",
        f"{HEAD}    return np.stack([x[i : i + n_fft] for i in range(0, len(x) - n_fft + OFF, hop_length)])",
        "OFF = 1",
    ),
    "wrapped by itself": (
        f"{HEAD}    return {GIVES.replace('x[i : i + n_fft]', 'x[i : i + n_fft][::-1]')}",
        "def turned(f):\n    def inner(*a):\n        return f(*a)[:, ::-1]\n    return inner",
        "frame = turned(frame)",
    ),
    # --------------------------------------------------------------------------------------------- changes by a call
    "a list that is filled": (
        "ONE = []\nfor k in (1,):\n    ONE.append(k)",
        plus("ONE[0]"),
    ),
    "a dict that is updated": (
        "D = {}\nD.update(one=1)",
        plus("D['one']"),
    ),
    "an array that is filled": (
        "a = np.zeros(1, int)\na.fill(1)",
        plus("a[0]"),
    ),
    "a timed assignment": (
        "%time ONE = 1",
        plus("ONE"),
    ),
    "globals": (
        "globals()['ONE'] = 1",
        plus("ONE"),
    ),
    "setattr": (
        "class Box: pass\nbox = Box()\nsetattr(box, 'one', 1)",
        plus("box.one"),
    ),
    "a registry": (
        "KNOWN = {}\ndef known(f):\n    KNOWN[f.__name__] = f\n    return f",
        f"@known\ndef framed(x, n_fft, hop_length):\n    return {GIVES}",
        f"{HEAD}    return KNOWN['framed'](x, n_fft, hop_length)",
    ),
    "setdefault": (
        "D = {}\nD.setdefault('one', 1)",
        f"{HEAD}    one = D['one']\n    return {GIVES.replace('+ 1', '+ one')}",
    ),
    "singledispatch": (
        "from functools import singledispatch\n@singledispatch\ndef cut(x, n, h):\n    raise TypeError",
        "@cut.register\ndef _(x: np.ndarray, n, h):\n"
        "    return np.stack([x[i : i + n] for i in range(0, len(x) - n + 1, h)])",
        f"{HEAD}    return cut(x, n_fft, hop_length)",
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
        plus("rest"),
    ),
    "a format below a shell line": (
        '!echo hello\nprint("%d"\n% 3)\nONE = 1',
        plus("ONE"),
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
    # ------------------------------------------------------------------------------------------ how it is written
    "tabs": (
        f"{HEAD}\treturn np.stack(\n\t\t[x[i : i + n_fft] for i in range(0, len(x) - n_fft + 1, hop_length)]\n\t)",
    ),
    "lines of Windows": (RIGHT.replace("\n", "\r\n"),),
    "names in Greek": (
        "Δ = 1",
        plus("Δ"),
    ),
    "signs in comments": (f"# \N{GRINNING FACE} fertig!\n{RIGHT}  # \u00e4\u00f6\u00fc \u4e16\u754c",),
    "semicolons": (
        "one = 1; two = 2; three = one + two",
        f"def frame(x, n_fft, hop_length): n = three - two; return {GIVES.replace('+ 1', '+ n')}",
    ),
    "lines that go on": (
        "def frame(x, \\\n          n_fft, \\\n          hop_length):\n    return \\\n        " + GIVES,
    ),
    "a text in the middle": (f'"""Exercise 1.1, my answer."""\n{RIGHT}\n"""Done."""',),
    "a form feed": (f"one = 1\n\x0c\n{RIGHT}",),
    "annotations that mean nothing": (
        f"def frame(x: 'signal', n_fft: int = 4, hop_length: 'hop' = 2) -> 'frames':\n    return {GIVES}",
    ),
    "positions only": (f"def frame(x, n_fft, hop_length, /):\n    return {GIVES}",),
    "more than is asked for": (f"def frame(x, n_fft, hop_length, *, pad=False):\n    return {GIVES}",),
    "whatever comes": (f"def frame(*args):\n    x, n_fft, hop_length = args\n    return {GIVES}",),
    "a chain of comparisons": (
        f"{HEAD}    found = []\n    for i in range(len(x)):\n"
        "        if 0 <= i <= len(x) - n_fft and not i % hop_length:\n            found.append(x[i : i + n_fft])\n"
        "    return np.array(found)",
    ),
    # ------------------------------------------------------------------------------------------ made of other things
    "a generator": (
        "def cuts(x, n, h):\n    i = 0\n    while i + n <= len(x):\n        yield x[i : i + n]\n        i += h",
        f"{HEAD}    return np.stack(list(cuts(x, n_fft, hop_length)))",
    ),
    "itself": (
        f"{HEAD}    rest = x[hop_length:]\n    first = x[None, :n_fft]\n"
        "    return first if len(rest) < n_fft else np.concatenate([first, frame(rest, n_fft, hop_length)])",
    ),
    "a memory": (
        "from functools import lru_cache\n@lru_cache\ndef starts(n, size, hop):\n"
        "    return tuple(range(0, n - size + 1, hop))",
        over("starts(len(x), n_fft, hop_length)"),
    ),
    "a data class": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Cut:\n    size: int\n    hop: int\n"
        "    def of(self, x):\n        starts = range(0, len(x) - self.size + 1, self.hop)\n"
        "        return np.stack([x[i : i + self.size] for i in starts])",
        f"{HEAD}    return Cut(n_fft, hop_length).of(x)",
    ),
    "a named tuple": (
        "from collections import namedtuple\nSpan = namedtuple('Span', 'first last')",
        f"{HEAD}    spans = [Span(i, i + n_fft) for i in range(0, len(x) - n_fft + 1, hop_length)]\n"
        "    return np.stack([x[s.first : s.last] for s in spans])",
    ),
    "a class and its child": (
        "class Base:\n    extra = 0\n    def cut(self, x, n, h):\n"
        "        return np.stack([x[i : i + n] for i in range(0, len(x) - n + self.extra, h)])",
        "class Child(Base):\n    extra = 1",
        "frame = Child().cut",
    ),
    "a meta class": (
        f"class Makes(type):\n    def __call__(cls, x, n_fft, hop_length):\n        return {GIVES}\n"
        "class frame(metaclass=Makes):\n    pass",
    ),
    "closures with nonlocal": (
        "def counted():\n    n = 0\n    def frame(x, n_fft, hop_length):\n        nonlocal n\n        n += 1\n"
        f"        return {GIVES}\n    return frame",
        "frame = counted()",
    ),
    "a global counter": (
        "CALLS = 0",
        f"{HEAD}    global CALLS\n    CALLS += 1\n    return {GIVES}",
    ),
    "reduce and operator": (
        "from functools import reduce\nimport operator",
        f"{HEAD}    pieces = [[x[i : i + n_fft]] for i in range(0, len(x) - n_fft + 1, hop_length)]\n"
        "    return np.array(reduce(operator.add, pieces))",
    ),
    "itertools": (
        "from itertools import count, takewhile",
        f"{HEAD}    starts = takewhile(lambda i: i + n_fft <= len(x), count(0, hop_length))\n"
        "    return np.stack([x[i : i + n_fft] for i in starts])",
    ),
    "torch in between": (
        "import torch",
        f"{HEAD}    return torch.as_tensor(np.asarray(x)).unfold(0, n_fft, hop_length).numpy()",
    ),
    "much printing": (f"{HEAD}    print('x' * 100_000)\n    return {GIVES}",),
    "asserts and warnings": (
        "import warnings",
        f"{HEAD}    assert n_fft > 0\n    warnings.warn('slow')\n    return {GIVES}",
    ),
    "logging": (
        "import logging\nlog = logging.getLogger('mine')",
        f"{HEAD}    log.warning('framing %d', len(x))\n    return {GIVES}",
    ),
    # ------------------------------------------------------------------------------------------ numpy by other names
    "one name of numpy": (f"from numpy import stack\n{RIGHT.replace('np.stack', 'stack')}",),
    "a star": ("from numpy import *", RIGHT.replace("np.stack", "stack")),
    "a function by another name": ("pile = np.stack", RIGHT.replace("np.stack", "pile")),
    "imported inside": (f"{HEAD}    import numpy as n\n    return {GIVES.replace('np.', 'n.')}",),
    "imported by a call": ("import importlib\nn = importlib.import_module('numpy')", RIGHT.replace("np.", "n.")),
    "a submodule": (
        "import numpy.lib.stride_tricks as tricks",
        f"{HEAD}    return tricks.sliding_window_view(x, n_fft)[::hop_length]",
    ),
    # ------------------------------------------------------------------------------------------ chosen by what happens
    "an if": (
        f"if len('ab') == 2:\n    def frame(x, n_fft, hop_length):\n        return {GIVES}\nelse:\n    frame = None",
    ),
    "a try": (
        f"try:\n    import cupy as xp\nexcept ImportError:\n    xp = np\n{RIGHT.replace('np.stack', 'xp.stack')}",
    ),
    "a while": (f"while True:\n    def frame(x, n_fft, hop_length):\n        return {GIVES}\n    break",),
    "a with": (f"with np.errstate(all='ignore'):\n    def frame(x, n_fft, hop_length):\n        return {GIVES}",),
    "a function picked from a list": (
        f"tries = [lambda x, n, h: x, lambda x, n_fft, hop_length: {GIVES}]",
        "frame = tries[-1]",
    ),
    "the best of two by a test": (
        RIGHT.replace("frame", "a").replace(" + 1", "") + "\n" + RIGHT.replace("frame", "b"),
        "frame = max((a, b), key=lambda f: len(f(np.arange(8.0), 4, 2)))",
    ),
    # ------------------------------------------------------------------------------------------ IPython's own
    "a name of the last output": (f"lambda x, n_fft, hop_length: {GIVES}", "frame = _"),
    "run again from the history": (RIGHT, "del frame", "exec(In[2])"),
    "a reset in between": ("x = 3", "%reset -f", f"import numpy as np, a2d\n{RIGHT}"),
    "a file that is run": (f"%%writefile framing.py\nimport numpy as np\n{RIGHT}", "%run framing.py"),
    "a timed line": (RIGHT, "%timeit -n 1 -r 1 frame(np.arange(9.0), 4, 2)"),
    "a timed cell that binds nothing": (RIGHT, "%%timeit -n 1 -r 1\nframe(np.arange(9.0), 4, 2)"),
    "by the shell itself": (f"get_ipython().run_cell({RIGHT!r})",),
    "an environment variable": (
        "%env FRAMES=1\nimport os",
        plus("int(os.environ['FRAMES'])"),
    ),
    "it waits": (
        "import asyncio\nawait asyncio.sleep(0)",
        f"async def one():\n    return 1\nONE = await one()\n{plus('ONE')}",
    ),
    "what is shown": (RIGHT, "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))"),
    "an unknown magic before": ("%there_is_no_such_magic", RIGHT),
    "a question at the end": (RIGHT, "?frame"),
    # ------------------------------------------------------------------------------------------ by way of a file
    "a pickle": (
        "import pickle\ndata = pickle.loads(pickle.dumps({'one': 1}))",
        plus("data['one']"),
    ),
    "a saved array": (
        "np.save('one.npy', np.ones(1, int))",
        "ONE = np.load('one.npy')",
        plus("ONE[0]"),
    ),
    "a module that is made": (
        f"import types\nmine = types.ModuleType('mine')\nmine.np = np\nexec({RIGHT!r}, mine.__dict__)",
        "from operator import attrgetter\nframe = attrgetter('frame')(mine)",
    ),
    "compiled": (f"code = compile({RIGHT!r}, 'mine', 'exec')", "exec(code)"),
    "a changed default": (
        f"def frame(x, n_fft, hop_length, one=0):\n    return {GIVES.replace('+ 1', '+ one')}",
        "frame.__defaults__ = (1,)",
    ),
    "a changed code object": (
        f"{HEAD}    return 0\ndef other(x, n_fft, hop_length):\n    return {GIVES}",
        "frame.__code__ = other.__code__",
    ),
    "an attribute of the function": (
        plus("frame.one"),
        "frame.one = 1",
    ),
    "a package that is patched": (
        "class Tools: pass\ntools = Tools()\ntools.cut = lambda x, n, h: None",
        "tools.cut = lambda x, n, h: np.stack([x[i : i + n] for i in range(0, len(x) - n + 1, h)])",
        f"{HEAD}    return tools.cut(x, n_fft, hop_length)",
    ),
    "numpy itself is given something": (
        "np.my_cut = lambda x, n, h: np.stack([x[i : i + n] for i in range(0, len(x) - n + 1, h)])",
        f"{HEAD}    return np.my_cut(x, n_fft, hop_length)",
    ),
    "a weak dictionary of methods": (
        "class Plan(dict):\n    __getattr__ = dict.__getitem__\nplan = Plan(one=1)",
        plus("plan.one"),
    ),
}

# What grading refuses, and so the check does, too: by name, the cells and some words of the reason.
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "threads": (
        (
            "from concurrent.futures import ThreadPoolExecutor",
            f"{HEAD}    with ThreadPoolExecutor(2) as pool:\n"
            "        starts = range(0, len(x) - n_fft + 1, hop_length)\n"
            "        return np.stack(list(pool.map(lambda i: x[i : i + n_fft], starts)))",
        ),
        "starts threads",
    ),
    "a figure in it": (
        (
            "import matplotlib.pyplot as plt",
            f"{HEAD}    plt.figure()\n    plt.plot(x)\n    plt.close()\n    return {GIVES}",
        ),
        "It uses matplotlib",
    ),
    "a bar of progress": (
        (
            "from tqdm.auto import tqdm",
            over("tqdm(range(0, len(x) - n_fft + 1, hop_length))"),
        ),
        "It uses tqdm",
    ),
    "another process": (
        ("import subprocess", f"{HEAD}    subprocess.run(['true'])\n    return {GIVES}"),
        "starts threads or processes",
    ),
}


def cells_of(name: str) -> list[str]:
    """The cells of an odd notebook, with the usual beginning, and with a check where it has none."""
    own = list(ODD[name] if name in ODD else REFUSED[name][0])
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
