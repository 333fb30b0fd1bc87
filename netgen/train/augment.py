"""Data augmentation: copies of images that are slightly shifted, rotated, zoomed, sheared and warped.

A network of a few thousand weights still overfits 54,000 digits; distorted copies are what makes it generalize.
"""

import math

import torch
from torch import Tensor, nn

from netgen.data import Split
from netgen.errors import TrainError
from netgen.nn.defaults import torch_defaults
from netgen.progress import Progress, silent
from netgen.spec.sections import AugmentSpec

CHUNK = 6000
"""Images that are distorted at once; bounds memory."""
KNOTS = 5
"""Points along each axis with random displacements; a warp interpolates between them."""


@torch_defaults(threads=None)
def distort(split: Split, spec: AugmentSpec, *, seed: int, progress: Progress = silent) -> list[Tensor]:
    """Distort every image of a split, `spec.copies` times.

    Returns: copies, each (n, n_in) uint8 in steps of 1/256; about 50 us an image of 28 x 28.
    Raises: TrainError, when the features are not those of square images.
    Source: LeCun et al. 1998 (affine distortions), Simard et al. 2003 (elastic ones).
    """
    if not spec.copies:
        return []
    side = math.isqrt(split.features.shape[1])
    if side * side != split.features.shape[1] or split.features.min() < 0:
        raise TrainError(
            f"augment.copies: {spec.copies}, but {split.features.shape[1]} features "
            f"{'below 0' if split.features.min() < 0 else 'are no square image'}; set it to 0"
        )
    generator = torch.Generator().manual_seed(seed)
    copies = []
    for number in range(spec.copies):
        progress(f"distorted copy {number + 1} of {spec.copies}", number / spec.copies)
        chunks = torch.split(torch.tensor(split.features).view(-1, 1, side, side), CHUNK)
        copies.append(torch.cat([_distorted(chunk, spec, generator) for chunk in chunks]))
    return copies


def _distorted(images: Tensor, spec: AugmentSpec, generator: torch.Generator) -> Tensor:
    count, side = len(images), images.shape[-1]

    def draw(most: float) -> Tensor:
        """A number for each image, uniform from -most to most."""
        return (2 * torch.rand(count, generator=generator) - 1) * most

    angle, zoom, shear = draw(math.radians(spec.rotate)), 1 + draw(spec.zoom), draw(spec.shear)
    cos, sin, step = torch.cos(angle) / zoom, torch.sin(angle) / zoom, 2 / side
    rows = [[cos, shear - sin, draw(spec.shift * step)], [sin, cos, draw(spec.shift * step)]]
    grid = nn.functional.affine_grid(
        torch.stack([torch.stack(row, dim=1) for row in rows], dim=1), [count, 1, side, side], align_corners=False
    )
    if spec.warp:
        knots = torch.randn(count, 2, KNOTS, KNOTS, generator=generator) * spec.warp * step
        warp = nn.functional.interpolate(knots, size=(side, side), mode="bicubic", align_corners=True)
        grid = grid + warp.permute(0, 2, 3, 1)
    if spec.mirror:
        grid[..., 0] *= torch.where(torch.rand(count, 1, 1, generator=generator) < 0.5, -1.0, 1.0)
    moved = nn.functional.grid_sample(images, grid, align_corners=False)
    return (moved.view(count, -1) * 256).round().clamp(0, 255).to(torch.uint8)
