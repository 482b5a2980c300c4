from types import SimpleNamespace

import pytest

from acrnn.training import machine


@pytest.mark.parametrize(("cores", "gigabytes", "jobs"), [(2, 24, 2), (16, 24, 8), (16, 1, 1)])
def test_a_run_a_core_goes_side_by_side_as_far_as_memory_goes(monkeypatch, cores, gigabytes, jobs):
    monkeypatch.setattr(machine, "n_cores", lambda: cores)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: SimpleNamespace(total=gigabytes * 10**9))
    assert machine.default_jobs("cpu") == jobs


@pytest.mark.parametrize(("cores", "gigabytes", "jobs"), [(16, 80, 10), (4, 80, 4), (16, 6, 1)])
def test_on_a_gpu_its_own_memory_decides(monkeypatch, cores, gigabytes, jobs):
    monkeypatch.setattr(machine, "n_cores", lambda: cores)
    device = SimpleNamespace(total_memory=gigabytes * 10**9)
    monkeypatch.setattr(machine.torch.cuda, "get_device_properties", lambda name: device)
    assert machine.default_jobs("cuda") == jobs
