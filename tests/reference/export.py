"""Reads what `cargo xtask export` wrote with TensorBoard and MLflow themselves, and compares it with the
tables of the sweep.

    pip install tensorboard==2.21.0 mlflow-skinny==3.17.2 pandas
    cargo xtask export results/quick --to tensorboard /tmp/tb
    cargo xtask export results/quick --to mlflow /tmp/mlruns
    python export.py results/quick /tmp/tb /tmp/mlruns

Every number of epochs.csv must come back from both, by run and epoch: as float32 from TensorBoard,
exactly from MLflow; and the params, tags and states that MLflow reads must be those of runs.csv.
"""

import csv
import math
import os
import sys
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

from mlflow.entities import RunStatus, ViewType
from mlflow.store.tracking.file_store import FileStore
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

KEYS = ("experiment", "seed", "epoch")
STATES = {"ok": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "dropped": "KILLED", "paused": "RUNNING"}


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(epochs):
    """(experiment, seed, column, epoch) to value."""
    found = {}
    for row in epochs:
        for column, cell in row.items():
            if column not in KEYS and cell:
                found[row["experiment"], row["seed"], column, int(row["epoch"])] = float(cell)
    return found


def same(a, b, tolerance):
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= tolerance * abs(b)


def compare(name, read, wanted, tolerance):
    wrong = [key for key in wanted if key not in read or not same(read[key], wanted[key], tolerance)]
    more = sorted(set(read) - set(wanted))
    assert not wrong, f"{name}: {len(wrong)} numbers are not read back, such as {wrong[0]}"
    assert not more, f"{name}: {len(more)} numbers are in no table, such as {more[0]}"
    print(f"{name}: {len(wanted)} numbers are those of epochs.csv")


def tensorboard(folder, sweep, wanted):
    multiplexer = EventMultiplexer(size_guidance={"tensors": 0, "scalars": 0})
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    read = {}
    for run, kinds in multiplexer.Runs().items():
        own, experiment, seed = run.split("/")
        assert own == sweep and seed.startswith("seed"), run
        times = []
        for column in kinds["scalars"]:
            for event in multiplexer.Scalars(run, column):
                read[experiment, seed[4:], column, event.step] = event.value
                times.append(event.wall_time)
        assert min(times) > 1e9 and times, run
    compare("TensorBoard", read, wanted, 1e-7)


def mlflow(folder, sweep, wanted, table):
    store = FileStore(str(folder))
    experiment = store.get_experiment_by_name(sweep)
    assert experiment is not None, [one.name for one in store.search_experiments()]
    runs = store.search_runs([experiment.experiment_id], "", ViewType.ACTIVE_ONLY, 1000)
    by_name = {run.info.run_name: run for run in runs}
    assert len(by_name) == len(runs) == len(table), (len(runs), len(table))
    read = {}
    columns = {key[2] for key in wanted}
    for row in table:
        run = by_name[f"{row['experiment']}-seed{row['seed']}"]
        assert run.data.params["params"] == row["params"] and run.data.params["seed"] == row["seed"]
        assert run.data.tags["resweep.spec_hash"] == row["spec_hash"]
        assert RunStatus.to_string(RunStatus.from_string(run.info.status)) == STATES[row["status"]]
        if row["top1"]:
            assert run.data.metrics["final_top1"] == float(row["top1"])
        assert any(name.startswith("train.optimizer") for name in run.data.params), run.data.params
        for column in columns & set(run.data.metrics):
            for metric in store.get_metric_history(run.info.run_id, column):
                read[row["experiment"], row["seed"], column, metric.step] = metric.value
    compare("MLflow", read, wanted, 0.0)


def main():
    results, event_files, store = map(Path, sys.argv[1:])
    wanted = numbers(rows(results / "epochs.csv"))
    assert wanted, "there are no epochs"
    tensorboard(event_files, results.name, wanted)
    mlflow(store, results.name, wanted, rows(results / "runs.csv"))


main()
