"""Flow matching: the path, its target, the Euler solver."""

import torch

from songbloom.flow_matching import add_noise, integrate, sample_timesteps, velocity_target


def test_the_target_is_the_path_derivative():
    clean, noise = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    t = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(add_noise(clean, noise, t).sum(), t)
    torch.testing.assert_close(slope, velocity_target(clean, noise).sum((1, 2)))


def test_euler_follows_a_straight_path_exactly():
    clean, noise = torch.randn(2, 1, 4, 5)
    cooled = integrate(
        lambda x, t: noise - clean if t <= 0.7 else x - clean,
        noise,
        num_steps=10,
        diffusion_temperature=0.7,
    )
    torch.testing.assert_close(cooled, clean, atol=1e-5, rtol=0)
    plain = integrate(lambda x, t: noise - clean, noise, num_steps=7)
    torch.testing.assert_close(plain, clean, atol=1e-5, rtol=0)


def test_a_temperature_of_zero_takes_no_noise():
    noises = torch.randn(2, 1, 4, 5)
    paths = [
        integrate(lambda x, t: x - 1, noise, num_steps=5, diffusion_temperature=0.0)
        for noise in noises
    ]
    assert torch.equal(*paths)
    assert paths[0].any()


def test_timesteps_are_logit_normal():
    t = sample_timesteps(20_000, torch.Generator().manual_seed(0))
    logits = torch.logit(t)
    assert abs(float(logits.mean())) < 0.03
    assert abs(float(logits.std()) - 1) < 0.03
