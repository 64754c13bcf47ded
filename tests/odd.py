"""Honest but odd notebooks: each answers an exercise rightly, in a way that only the running notebook shows. No test.

``ODD``: by name, the cells of a notebook in whose fresh run ``a2d.check`` calls the answer to 1.1 right;
``ELSEWHERE``: the same of other exercises; ``TOGETHER``: of two lectures.
"""

from __future__ import annotations

from a2d import exercises

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


# ------------------------------------------------------------------------------------------ odd in other exercises

GAIN = (
    "def gain(before, after, spoken):\n    step = (after == spoken).astype(float) - (before == spoken)\n"
    "    return float(step.mean()), float(step.std() / np.sqrt(len(step)))"
)

# By name: the exercise's id, and the cells of a notebook in whose fresh run ``a2d.check`` calls its answer right.
ELSEWHERE: dict[str, tuple[str, tuple[str, ...]]] = {
    # --------------------------------------------------------------------------- what one cell sets, all others have
    "no gradients from the first cell on": (
        "6.1",
        (
            "import torch\ntorch.set_grad_enabled(False)",
            "def accuracy_of(net, images, labels):\n    net.eval()\n"
            "    return float((net(images).numpy().argmax(axis=1) == labels.numpy()).mean())",
        ),
    ),
    "gradients off, and on again in the answer": (
        "5.6",
        (
            "import torch\ntorch.set_grad_enabled(False)",
            "def train_one_step(vae, optimizer, cost, pair, beta, rng):\n    with torch.enable_grad():\n"
            "        vae.train()\n        optimizer.zero_grad()\n        output, mu, logvar = vae(pair[0], rng)\n"
            "        reconstruction, kl = cost(output, pair[1], mu, logvar)\n"
            "        loss = (reconstruction + beta * kl).mean()\n        loss.backward()\n"
            "    optimizer.step()\n    return loss.item()",
        ),
    ),
    "double precision by default": (
        "1.5",
        (
            "import torch\ntorch.set_default_dtype(torch.float64)",
            "def cepstrum(log_mel, n_mfcc):\n    m = log_mel.shape[1]\n"
            "    rows, columns = torch.arange(float(n_mfcc))[:, None], torch.arange(float(m))\n"
            "    cosines = torch.cos(torch.pi * rows * (columns + 0.5) / m) * (2 / m) ** 0.5\n"
            "    cosines[0] /= 2**0.5\n    return torch.from_numpy(log_mel) @ cosines.T",
        ),
    ),
    "what NumPy warns of is an error": (
        "2.2",
        (
            "np.seterr(all='raise')",
            "def scale_by_training(train, other):\n    center, width = train.mean(axis=0), train.std(axis=0)\n"
            "    try:\n        return (other - center) / width\n    except FloatingPointError:\n"
            "        return (other - center) / np.where(width == 0, 1, width)",
        ),
    ),
    "warnings are errors": (
        "1.4",
        (
            "import warnings\nwarnings.simplefilter('error')",
            "def to_db(power, ref, top_db):\n    least = None\n    with warnings.catch_warnings():\n"
            "        warnings.simplefilter('error')\n        try:\n            np.log10(power)\n"
            "        except RuntimeWarning:\n            least = 1e-10\n"
            "    db = 10 * np.log10(np.maximum(power, least or 1e-10) / ref)\n"
            "    return np.maximum(db, db.max() - top_db)",
        ),
    ),
    "the recursion limit": (
        "10.5",
        (
            "import sys\nsys.setrecursionlimit(6000)",
            "def loss(scores, labels, value):\n    h = scores / value\n"
            "    return (np.logaddexp.reduce(h, axis=1) - h[np.arange(len(labels)), labels]).mean()",
            "def least(costs, at=1, best=0):\n    if at == len(costs):\n        return best\n"
            "    return least(costs, at + 1, at if costs[at] < costs[best] else best)",
            "def temperature(scores, labels):\n    tried = np.geomspace(0.1, 10, 1100)\n"
            "    return float(tried[least([loss(scores, labels, value) for value in tried])])",
        ),
    ),
    "numbers print as they once did": (
        "8.2",
        (
            "np.set_printoptions(legacy='1.25')",
            "def speaker_mean(right, speakers):\n"
            "    each = [right[speakers == one].mean() for one in np.unique(speakers)]\n"
            "    return tuple(float(repr(one)) for one in (np.mean(each), np.min(each)))",
        ),
    ),
    "a name in builtins": (
        "9.2",
        (
            "import builtins\nbuiltins.CLASSES = 10",
            "def leak(z, digits):\n    half = len(z) // 2\n    inputs = np.column_stack([z, np.ones(len(z))])\n"
            "    weights = np.linalg.lstsq(inputs[:half], np.eye(CLASSES)[digits[:half]], rcond=None)[0]\n"
            "    return float(((inputs[half:] @ weights).argmax(axis=1) == digits[half:]).mean())",
        ),
    ),
    "settings of the shell": (
        "9.3",
        (
            "import matplotlib.pyplot as plt\nplt.rcParams.update({'figure.dpi': 150})\n"
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "InteractiveShell.ast_node_interactivity = 'all'\n%config InlineBackend.figure_format = 'retina'",
            "import torch\ndef losses(margin):\n    def both(real, drawn):\n"
            "        tells = torch.clamp(margin - real, min=0).mean() + torch.clamp(margin + drawn, min=0).mean()\n"
            "        return torch.stack([tells, -drawn.mean()])\n    return both",
            "hinge = losses(torch.tensor(1.0))\nhinge",
        ),
    ),
    "several threads of torch, in a cell": (
        "9.4",
        (
            "import torch\ntorch.set_num_threads(2)\nlarge = torch.ones(1500, 1500) @ torch.ones(1500, 1500)",
            "def weighed(cost):\n    def flow_loss(field, z0, z1, t):\n        share = t[:, None]\n"
            "        return cost(field((1 - share) * z0 + share * z1, t), z1 - z0)\n    return flow_loss",
            "flow_loss = weighed(torch.nn.functional.mse_loss)",
        ),
    ),
    "a pool of threads, in a cell": (
        "1.5",
        (
            "from concurrent.futures import ThreadPoolExecutor\nimport math\n"
            "with ThreadPoolExecutor(2) as pool:\n"
            "    ROOTS = dict(zip(range(1, 300), pool.map(math.sqrt, range(1, 300))))",
            "def cepstrum(log_mel, n_mfcc):\n    m = log_mel.shape[1]\n    k, j = np.ogrid[:n_mfcc, :m]\n"
            "    size = np.where(k == 0, 1 / ROOTS[m], ROOTS[2] / ROOTS[m])\n"
            "    return log_mel @ (np.cos(np.pi * k * (j + 0.5) / m) * size).T",
        ),
    ),
    # --------------------------------------------------------------------------------------- by way of something else
    "a file that is read when it is needed": (
        "0.2",
        (
            "from pathlib import Path\nPath('z.txt').write_text('1.96')",
            "def number_needed(accuracy, half_width):\n    z = float(Path('z.txt').read_text())\n"
            "    return int(np.ceil(accuracy * (1 - accuracy) * (z / half_width) ** 2))",
        ),
    ),
    "a cell that is a file": (
        "5.1",
        (
            '%%writefile net.json\n{"twice": 2}',
            "import json\ndef output_size(n_in, kernel, stride, padding, output_padding):\n"
            "    with open('net.json') as stream:\n        twice = json.load(stream)['twice']\n"
            "    return (n_in - 1) * stride + kernel - twice * padding + output_padding",
        ),
    ),
    "weights that were saved": (
        "9.1",
        (
            "import torch\nfrom torch import nn\n"
            "table = nn.Embedding.from_pretrained(torch.eye(10, dtype=torch.float64))\n"
            "torch.save(table.state_dict(), 'digits.pt')",
            "known = nn.Embedding(10, 10, dtype=torch.float64)\nknown.load_state_dict(torch.load('digits.pt'))",
            "def conditioned(z, digits):\n    h, n, d = len(z), len(digits), z.shape[1]\n"
            "    told = known(torch.as_tensor(digits)).detach().numpy()\n"
            "    hands = np.broadcast_to(z[:, None, :], (h, n, d))\n"
            "    return np.concatenate([hands, np.broadcast_to(told, (h, n, 10))], axis=2)",
        ),
    ),
    "a table in a database": (
        "7.2",
        (
            "import sqlite3\nstore = sqlite3.connect(':memory:')\nstore.execute('create table last (name)')\n"
            "store.executemany('insert into last values (?)', [('fc1',), ('fc2',)])",
            "def freeze(net):\n    last, left = {name for (name,) in store.execute('select name from last')}, 0\n"
            "    for name, one in net.named_parameters():\n"
            "        one.requires_grad = name.partition('.')[0] in last\n"
            "        left += one.numel() * one.requires_grad\n    return left",
        ),
    ),
    "a module made in memory": (
        "2.1",
        (
            "import sys, types\nclass Short(types.ModuleType):\n    def __getattr__(self, name):\n"
            "        if name.startswith('__'):\n            raise AttributeError(name)\n"
            "        return getattr(np, name)\nsys.modules['short'] = Short('short')",
            "from short import isin, flatnonzero as places",
            "def split_speakers(speakers, held_out):\n    out = isin(speakers, held_out)\n"
            "    return places(~out), places(out)",
        ),
    ),
    "the course's own data": (
        "4.2",
        (
            "from a2d import datasets\nspoken = datasets.load_spoken('builtin')\n"
            "written = datasets.load_images('builtin')",
            "said = {r.digit for r in spoken.recordings} | {*written.labels.tolist()}",
            "def class_means(images, labels):\n    found = np.zeros((len(said), *images.shape[1:]))\n"
            "    for digit in said:\n        if (labels == digit).any():\n"
            "            found[digit] = images[labels == digit].mean(axis=0) / 255\n    return found",
        ),
    ),
    "the answer to another exercise": (
        "3.4",
        (
            "import torch\nimport torch.nn.functional as F",
            "def kl_normal(mu, logvar):\n    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)",
            'a2d.check("3.1", kl_normal)',
            'kl = a2d.mine("3.1")',
            "def beta_loss(logits, target, mu, logvar, beta):\n"
            "    nats = F.binary_cross_entropy_with_logits(logits, target, reduction='none').sum((-2, -1))\n"
            "    return (nats + beta * kl(mu, logvar)).mean()",
            'a2d.check("3.4", beta_loss)',
        ),
    ),
    "what a case showed": (
        "1.4",
        (
            "def to_db(power, ref, top_db):\n    return 10 * np.log10(np.maximum(power, 1e-10) / ref)",
            'a2d.check("1.4", to_db)',
            "power, ref, top_db = a2d.case('1.4')\nfrom functools import partial\n"
            "def levels(least, power, ref, top_db):\n    db = 10 * np.log10(np.maximum(power, least) / ref)\n"
            "    return np.maximum(db, db.max() - top_db)\nto_db = partial(levels, 1e-10)",
            'a2d.check("1.4", to_db)',
        ),
    ),
    # --------------------------------------------------------------------------------------------- bound in other ways
    "a network as the answer": (
        "1.2",
        (
            "import torch\nfrom torch import nn",
            "class Power(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.register_buffer('two', torch.tensor(2.0, dtype=torch.float64))\n"
            "    def forward(self, frames, window):\n"
            "        return torch.fft.rfft(torch.as_tensor(frames) * torch.as_tensor(window)).abs() ** self.two",
            "windowed_power = Power().eval()",
        ),
    ),
    "rules that list themselves": (
        "5.7",
        (
            "class Trouble:\n    known = []\n    def __init_subclass__(cls, rank):\n"
            "        Trouble.known.append((rank, cls))\n    @staticmethod\n"
            "    def fits(train, val, upper, gap):\n        return True",
            "class Unstable(Trouble, rank=0):\n    name = 'unstable'\n    @staticmethod\n"
            "    def fits(train, val, upper, gap):\n        late = np.diff(train[len(train) // 2 :])\n"
            "        return not np.isfinite([train, val]).all() or late.max() > gap / 4",
            "class Learned(Trouble, rank=1):\n    name = 'learned by heart'\n    @staticmethod\n"
            "    def fits(train, val, upper, gap):\n        return train[-1] < upper - gap - gap / 5",
            "class Slow(Trouble, rank=2):\n    name = 'slow'\n    @staticmethod\n"
            "    def fits(train, val, upper, gap):\n        return val[-1] > upper + gap / 5",
            "class Deaf(Trouble, rank=3):\n    name = 'ignores the sound'\n    @staticmethod\n"
            "    def fits(train, val, upper, gap):\n        return val[-1] > upper - gap / 5",
            "class Fine(Trouble, rank=4):\n    name = 'fine'",
            "def diagnose(train, val, upper, floor):\n    ranked = sorted(Trouble.known, key=lambda one: one[0])\n"
            "    return next(k.name for _, k in ranked if k.fits(train, val, upper, upper - floor))",
        ),
    ),
    "a data class of terms": (
        "11.2",
        (
            "from dataclasses import dataclass, field\nimport torch",
            "@dataclass\nclass Loss:\n    terms: list = field(default_factory=list)\n    def term(self, f):\n"
            "        self.terms.append(f)\n        return f\nloss = Loss()",
            "@loss.term\ndef reads(scores, labels, weights, start, strength):\n"
            "    return torch.nn.functional.cross_entropy(scores, labels)",
            "@loss.term\ndef stays(scores, labels, weights, start, strength):\n"
            "    return strength * ((weights - start) ** 2).sum()",
            "def anchored(*given):\n    return sum(term(*given) for term in loss.terms)",
        ),
    ),
    "a context manager of its own": (
        "10.2",
        (
            "from contextlib import contextmanager\nnow = {}\n@contextmanager\ndef heard(x):\n"
            "    now['power'] = np.mean(x**2)\n    yield now\n    now.clear()",
            "def at_snr(samples, noise, snr):\n    with heard(samples) as one:\n"
            "        ratio = one['power'] / np.mean(noise**2)\n"
            "    return samples + noise * np.sqrt(ratio / 10 ** (snr / 10))",
        ),
    ),
    "its own class, again and again": (
        "8.2",
        (
            "class Seen:\n    def __init__(self, right, speakers):\n"
            "        self.right, self.speakers = right, speakers\n    def each(self):\n        raise TypeError",
            "def each(self):\n"
            "    return [self.right[self.speakers == one].mean() for one in np.unique(self.speakers)]\n"
            "Seen.each = each",
            "class Seen(Seen):\n    def both(self):\n"
            "        return float(np.mean(self.each())), float(min(self.each()))",
            "def speaker_mean(right, speakers):\n    return Seen(right, speakers).both()",
        ),
    ),
    "a ufunc": (
        "5.4",
        (
            "import math\ndef one(step, total, rise, highest):\n    if step < rise:\n"
            "        return highest * (step + 1) / rise\n"
            "    return highest / 2 * (1 + math.cos(math.pi * (step - rise) / (total - rise)))",
            "rate = np.frompyfunc(one, 4, 1)",
        ),
    ),
    "a generator that is sent numbers": (
        "8.1",
        (
            "def running():\n    n, mean, squares = 0, 0.0, 0.0\n    while True:\n        x = yield n, mean, squares\n"
            "        n, step = n + 1, x - mean\n        mean += step / n\n        squares += step * (x - mean)",
            "def seed_spread(values):\n    told = running()\n    next(told)\n    for x in values:\n"
            "        n, mean, squares = told.send(float(x))\n    sd = (squares / (n - 1)) ** 0.5\n"
            "    return mean, sd, sd / n**0.5",
        ),
    ),
    "lots drawn once and kept": (
        "9.6",
        (
            "from functools import lru_cache\nnp.random.seed(3)\n@lru_cache(maxsize=None)\ndef drawn(n, size):\n"
            "    found = np.random.normal(size=(n, size))\n    return found / np.sqrt((found**2).sum(axis=0))",
            "def hand_of(voices, size):\n    return voices @ drawn(voices.shape[1], size)",
        ),
    ),
    "an order drawn in an earlier cell": (
        "0.1",
        (
            "rng = np.random.default_rng()\norder = rng.permutation(1000)",
            "def share_right(read, spoken):\n    mixed = order[order < len(read)]\n"
            "    return (read[mixed] == spoken[mixed]).mean()",
        ),
    ),
    # ---------------------------------------------------------------------------------------- numbers of its own kind
    "a number that shows itself": (
        "0.1",
        (
            "class Share(float):\n    def __repr__(self):\n        return f'{100 * self:.1f} %'",
            "def share_right(read, spoken):\n    return Share(np.mean(read == spoken))",
        ),
    ),
    "whole numbers with a name": (
        "11.1",
        (
            "class Frame(int):\n    pass",
            "def word_at(energy, below, pause):\n"
            "    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-below / 10))\n"
            "    words = np.split(loud, np.flatnonzero(np.diff(loud) > pause) + 1)\n"
            "    word = next(one for one in words if energy.argmax() in one)\n"
            "    return Frame(word[0]), Frame(word[-1] + 1)",
        ),
    ),
    # ------------------------------------------------------------------------------------------- IPython's own
    "names of pylab": (
        "10.3",
        (
            "%pylab inline",
            "def at_pace(samples, factor):\n    steps = int((len(samples) - 1) / factor)\n"
            "    return interp(arange(steps + 1) * factor, arange(len(samples)), samples)",
        ),
    ),
    "the number of an output": (
        "5.3",
        (
            "lambda n_in, kernel, stride, padding: np.bincount(\n"
            "    (np.arange(n_in)[:, None] * stride + np.arange(kernel)).ravel()\n"
            ")[padding : (n_in - 1) * stride + kernel - padding]",
            "overlaps = Out[2]",
        ),
    ),
    "helpers below magics": (
        "10.4",
        (
            "%%capture --no-display\ndef logs(*many):\n"
            "    return sum(np.log(np.maximum(one, 1e-300)) for one in many) / len(many)",
            "%%time\nraised = np.exp",
            "def fused(p, q):\n    together = raised(logs(p, q))\n"
            "    return together / together.sum(axis=1, keepdims=True)",
        ),
    ),
    # ------------------------------------------------------------------------------------------- how it is checked
    "checked in single quotes, by another name": (
        "7.1",
        (
            "from functools import partial\ndef agree(by_chance, a, b):\n    n = len(a)\n"
            "    seen = sum(x == y for x, y in zip(a, b)) / n\n"
            "    chance = sum(a.count(c) * b.count(c) for c in {*a}) / n**2\n"
            "    return by_chance if chance == 1 else (seen - chance) / (1 - chance)",
            "agreed = partial(agree, 0.0)",
            "a2d.check('7.1', agreed)",
        ),
    ),
    "checked in a loop": (
        "11.3",
        (
            "import math\nclass Eleven:\n    @staticmethod\n    def p(before, after):\n"
            "        won, lost = int((~before & after).sum()), int((before & ~after).sum())\n"
            "        tail = sum(math.comb(won + lost, k) for k in range(min(won, lost) + 1))\n"
            "        return min(1.0, 2 * tail / 2 ** (won + lost))",
            "sure = a2d.check\nfor number, answer in {3: Eleven.p}.items():\n    sure(f'11.{number}', answer)",
            "a2d.score(11)",
        ),
    ),
    "right, then tried further and checked again": (
        "7.3",
        (GAIN, 'a2d.check("7.3", gain)', GAIN.replace("np.sqrt(len(step))", "len(step)"), 'a2d.check("7.3", gain)'),
    ),
    "what it needs stands below it": (
        "5.4",
        (
            "def rate(step, total, rise, highest):\n    if step < rise:\n        return highest * (step + 1) / rise\n"
            "    return highest / 2 * (1 + cos(pi * share(step, total, rise)))",
            "def share(step, total, rise):\n    return (step - rise) / (total - rise)",
            "from math import *",
        ),
    ),
}

# Answers to two lectures: by name, the ids of what is right, and the cells of each notebook by its file.
FRAMED = (
    "from functools import partial",
    f"def general(one, x, n_fft, hop_length):\n    return {GIVES.replace('+ 1', '+ one')}",
    "frame = partial(general, 1)",
    CHECK,
)
PARTED = (
    "def parted(places, speakers, held_out):\n    out = np.isin(speakers, held_out)\n"
    "    return places(~out), places(out)",
    "from functools import partial\nsplit_speakers = partial(parted, np.flatnonzero)",
    'a2d.check("2.1", split_speakers)',
)
TOGETHER: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "two lectures in the notebook of the first": (
        ("1.1", "2.1"),
        {"01_from_sound_to_numbers.ipynb": (START, RIGHT, CHECK, *PARTED)},
    ),
    "two lectures in a notebook of another name": (("1.1", "2.1"), {"homework.ipynb": (START, *FRAMED, *PARTED)}),
    "the second lecture's answer in the notebook of the first": (
        ("1.1", "2.1"),
        {
            "01_from_sound_to_numbers.ipynb": (START, *FRAMED, *PARTED),
            "02_two_data_sets.ipynb": (
                START,
                "def split_speakers(speakers, held_out):\n    ...",
                'a2d.check("2.1", split_speakers)',
            ),
        },
    ),
}


def elsewhere_cells(name: str) -> list[str]:
    """The cells of an odd notebook on another exercise, with the usual beginning, and with a check if it has none."""
    id, own = ELSEWHERE[name]
    checked = any("a2d.check" in cell for cell in own)
    return [START, *own, *([] if checked else [f'a2d.check("{id}", {exercises.get(id).name})'])]


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
