"""The report's generator as a competent user would write it in an afternoon, without this package.

It is the peer of the ``pipeline`` benchmark: librosa for the features, file by file; a ``Dataset`` whose items are
picked one by one; Adam at its default rate. Nothing here is slow on purpose, and nothing is taken from ``a2d``.
The sizes of the network are those of the recipe ``report``. It runs alone::

    python -m benchmarks.plain --data FOLDER --mnist FOLDER --epochs N [--judge evaluator.safetensors]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import librosa
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

LATENT = 20


class Judge(nn.Module):
    """The CNN of PyTorch's basic MNIST example, which reads the drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1((x - 0.1307) / 0.3081))))
        return self.fc2(F.relu(self.fc1(torch.flatten(F.max_pool2d(x, 2), 1))))


class VAE(nn.Module):
    """An MLP on the mean MFCCs, and transposed convolutions from a sample of its latent distribution to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(40, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        self.mu, self.logvar = nn.Linear(256, LATENT), nn.Linear(256, LATENT)
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 16 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


class Pairs(Dataset):
    """A recording's features, and an image of the same digit that is picked anew each time."""

    def __init__(self, features: np.ndarray, digits: np.ndarray, images: np.ndarray, labels: np.ndarray):
        self.features, self.digits, self.images = torch.from_numpy(features), digits, images
        self.by_class = [np.flatnonzero(labels == c) for c in range(10)]

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        choices = self.by_class[self.digits[index]]
        image = self.images[choices[np.random.randint(len(choices))]]  # noqa: NPY002 (as most people write it)
        return self.features[index], torch.from_numpy(image).float().div(255)[None]


def read_recordings(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean MFCCs and digits of all ``{digit}_{speaker}_{take}`` files, by speaker, digit and take."""
    paths = [p for p in folder.rglob("[0-9]_*_*.*") if p.suffix in (".wav", ".flac")]
    paths.sort(key=lambda p: (p.stem.split("_")[1], int(p.stem[0]), int(p.stem.split("_")[2])))
    features = []
    for path in paths:
        samples, rate = librosa.load(path, sr=8000)
        mfcc = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40, n_fft=512, hop_length=128, n_mels=64)
        features.append(mfcc.mean(axis=1))
    return np.array(features, dtype=np.float32), np.array([int(p.stem[0]) for p in paths])


def read_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's training images, uint8 ``(n, 28, 28)``, and their labels."""
    images = np.fromfile(folder / "train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
    return images, np.fromfile(folder / "train-labels-idx1-ubyte", np.uint8)[8:]


@torch.no_grad()
def accuracy(model: VAE, judge: Judge, features: Tensor, digits: Tensor) -> float:
    """Share of the recordings whose drawing, from a sampled latent, the judge reads as what was said."""
    model.eval()
    read = judge(model(features)[0]).argmax(1)
    return (read == digits).float().mean().item()


def train_epoch(model: VAE, optimizer: torch.optim.Optimizer, loader: DataLoader) -> None:
    """One pass over the training set with the negative ELBO, mean over the batch."""
    model.train()
    for x, target in loader:
        output, mu, logvar = model(x)
        bce = F.binary_cross_entropy(output, target, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = (bce + kl) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def run(args: argparse.Namespace) -> dict:
    """From files to drawings; seconds of each stage (checking is left out) and the accuracy after each epoch."""
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)  # noqa: NPY002
    start = time.perf_counter()
    features, digits = read_recordings(args.data)
    seconds = {"features": time.perf_counter() - start}
    start = time.perf_counter()
    images, labels = read_mnist(args.mnist)
    seconds["images"] = time.perf_counter() - start
    start = time.perf_counter()
    order = np.random.default_rng(args.seed).permutation(len(digits))
    train, test = order[: round(0.7 * len(order))], order[round(0.85 * len(order)) :]
    features = (features - features[train].mean(0)) / features[train].std(0)
    pairs = Pairs(features[train], digits[train], images, labels)
    loader = DataLoader(pairs, batch_size=64, shuffle=True, num_workers=args.workers)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    judge = Judge().eval()
    if args.judge:
        judge.load_state_dict({k: v.float() for k, v in load_file(args.judge).items()})
    held_out = torch.from_numpy(features[test]), torch.from_numpy(digits[test])
    seconds["training"] = time.perf_counter() - start
    history: list[float] = []
    while len(history) < args.epochs and (not history or history[-1] < args.target):
        start = time.perf_counter()
        train_epoch(model, optimizer, loader)
        seconds["training"] += time.perf_counter() - start
        history.append(accuracy(model, judge, *held_out) if args.judge else 0.0)
    return {"seconds": seconds, "history": history, "reached": history[-1] >= args.target}


def main() -> None:
    """Train, and print seconds and accuracy as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of {digit}_{speaker}_{take}.wav")
    parser.add_argument("--mnist", type=Path, required=True, help="folder of MNIST's unpacked IDX files")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--judge", type=Path, help="weights of the evaluator, safetensors")
    parser.add_argument("--target", type=float, default=2.0, help="stop at this accuracy on the test set")
    parser.add_argument("--workers", type=int, default=0, help="processes that load items")
    parser.add_argument("--seed", type=int, default=0)
    print(json.dumps(run(parser.parse_args())))


if __name__ == "__main__":
    main()
