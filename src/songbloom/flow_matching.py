"""Rectified flow: x_t = (1 - t)·x_0 + t·ε with velocity ε - x_0, and Euler steps (§4.3.3).

Shape letters: M patches, P patch, D latent.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor


def sample_timesteps(count: int, generator: torch.Generator) -> Tensor:
    """Timesteps (M,) = sigmoid of normal draws, on the generator's device."""
    return torch.randn(count, generator=generator, device=generator.device).sigmoid()


def add_noise(clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """x_t (M, P, D) of clean x_0 and noise ε (M, P, D) at t (M,)."""
    t = timesteps[:, None, None]
    return (1 - t) * clean + t * noise


def velocity_target(clean: Tensor, noise: Tensor) -> Tensor:
    """The velocity ε - x_0 (M, P, D) that the model learns to predict."""
    return noise - clean


def integrate(
    velocity: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    *,
    num_steps: int,
    diffusion_temperature: float = 1.0,
) -> Tensor:
    """Euler steps from t = 1 to t = 0.

    With a diffusion temperature τ < 1 the path starts from zeros, and the noise enters at the one
    step that crosses τ: `x = (1 - t_next)·(x - v) + t_next·noise` (`x - v` estimates x_0 there).

    Args:
        velocity: v(x_t, t) for x_t (M, P, D) and a scalar t.
        noise: ε (M, P, D).
        num_steps: Euler steps of equal size.
        diffusion_temperature: τ in [0, 1]; 1 is plain Euler from noise, 0 takes none of it.

    Returns:
        x_0 (M, P, D).
    """
    x = noise if diffusion_temperature >= 1 else torch.zeros_like(noise)
    times = torch.linspace(1, 0, num_steps + 1, device=noise.device)
    for now, after in pairwise(times):
        v = velocity(x, now)
        if now > diffusion_temperature >= after:
            x = (1 - after) * (x - v) + after * noise
        else:
            x = x + (after - now) * v
    return x
