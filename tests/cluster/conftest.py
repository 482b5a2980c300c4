"""A Ray cluster of this machine: a head without cores, and nodes of one core that a test adds and kills."""

import os
import tempfile

import psutil
import pytest

NODE = {"object_store_memory": 80 * 2**20, "include_log_monitor": False}
SYSTEM = {
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 200, "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3, "prestart_worker_first_driver": False, "enable_worker_prestart": False,
    "enable_metrics_collection": False, "worker_niceness": 0,
}  # fmt: skip


class Nodes:
    """The nodes with cores, of which there are two unless one was killed."""

    def __init__(self, cluster):
        self._cluster = cluster

    @property
    def address(self):
        return self._cluster.address

    def two(self):
        """See to it that there are two."""
        while len(self._cluster.worker_nodes) < 2:
            self._cluster.add_node(num_cpus=1, **NODE)

    def kill_that_of(self, pid):
        """Kill the node that a process is a worker of, with all its processes."""
        raylet = psutil.Process(pid).ppid()
        (node,) = [node for node in self._cluster.worker_nodes if raylet in pids_of(node)]
        self._cluster.remove_node(node, allow_graceful=False)


def pids_of(node):
    return {info.process.pid for infos in node.all_processes.values() for info in infos}


@pytest.fixture(scope="package")
def cluster():
    ray = pytest.importorskip("ray", reason="the extra acrnn[ray] is not installed")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # a short path, as sockets are in it
        cluster = Cluster()
        cluster.add_node(num_cpus=0, **NODE, include_dashboard=False, _system_config=SYSTEM, temp_dir=folder)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield Nodes(cluster)
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def nodes(cluster):
    """A cluster of two nodes, to which this process is connected."""
    cluster.two()
    return cluster
