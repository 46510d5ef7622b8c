"""Event files as TensorBoard writes them.

    python events_golden.py        # needs tensorboard 2.21; writes ../golden/events.tfevents

The run of `tests/export.rs`: two epochs, each column of epochs.csv in its order.
"""

from pathlib import Path

from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

STARTED = 1_700_000_000
ACCURACIES = (40.0, 62.5)


def columns(epoch, top1):
    return [
        ("lr", 0.1 / epoch),
        ("train_loss", 2.0 / epoch),
        ("test_loss", 2.0 - top1 / 100.0),
        ("top1", top1),
        ("epoch_s", 20.5),
        ("eval_s", 1.25),
        ("train_images_per_s", 100.0 / 20.5),
    ]


def main():
    path = Path(__file__).resolve().parents[1] / "golden" / "events.tfevents"
    with path.open("wb") as file:
        writer = RecordWriter(file)
        first = event_pb2.Event(wall_time=STARTED, file_version="brain.Event:2")
        writer.write(first.SerializeToString())
        for epoch, top1 in enumerate(ACCURACIES, 1):
            for tag, value in columns(epoch, top1):
                event = event_pb2.Event(wall_time=STARTED + 21.75 * epoch, step=epoch)
                event.summary.value.add(tag=tag, simple_value=value)
                writer.write(event.SerializeToString())
        writer.flush()


main()
