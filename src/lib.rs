//! resweep: a declarative experiment runner for residual networks.
//!
//! RON files describe networks as block graphs, training recipes, and sweeps; nothing about a
//! network lives in Rust. This page is the architecture; the README says how to use it.
//!
//! # One straight line
//!
//! ```text
//! RON text -> Spec -> Graph -> Plan -> Model -> Trainer -> Records -> CSV, tables
//! ```
//!
//! | module | what it is | what it knows |
//! |---|---|---|
//! | [`spec`] | typed serde structs, one to one with the RON, read from a tree in which every value knows its place | text |
//! | [`op`] | operations: an operation is one file, with its fields, shape rule, weights, MACs and forward pass | shapes; tensors in the forward pass alone |
//! | [`graph`] | a `petgraph` DAG: nodes are operations with a parameter path, edges carry the input slot | legality: names, arity, cycles |
//! | [`plan`] | the graph in a stable order with shapes, weights, MACs, last uses | arithmetic, no tensors |
//! | [`picture`] | a plan as SVG or Graphviz text, images of a data set as PNG | what a reader sees |
//! | [`machine`] | the machine, in words | what the kernel says of itself |
//! | [`regular`] | files that came from someone else, read where they are regular files | paths |
//! | [`saved`] | where runs leave files for others, and what is in them | names, headers of weights, the hash of a checkpoint |
//! | [`experiment`] | a sweep's files to planned experiments with their hashes | all of the above |
//! | `model` | the plan as a tch module | tensors |
//! | [`train`] | schedule, optimiser, batches, loop: one model, one recipe, one data set | time, devices |
//! | [`data`] | CIFAR-10 and shapes10 as bytes in memory | files, the network |
//! | [`sweep`] | experiments x seeds: which runs are done, which are due, how many at once, when to stop | nothing of tensors: the pool that trains them is passed in |
//! | [`worker`] | the pool of processes: runs side by side, each in this program started again | what is said between them |
//! | [`cluster`] | a sweep as tasks of Slurm: what they are told, the batch script, the queue | what Slurm says |
//! | [`records`] | typed rows; each column is declared once | units |
//! | [`statistics`] | medians, whether two means differ or agree, and how many values would tell | numbers |
//! | [`compare`] | which experiment is really better: the test that fits, what it costs, in words; what is taken for what, and where two disagree | records, statistics |
//! | [`export`] | runs for TensorBoard and MLflow | records |
//! | [`report`] | one page on a sweep, with its charts | comparisons, pictures |
//! | [`progress`] | the live display | what a sweep tells |
//! | [`commands`] | the commands, one file each | everything |
//!
//! Imports point only to the left of that line; `tests/architecture.rs` says so. Everything but
//! `model`, `shim`, `device` and most of `train` builds without libtorch (cargo feature `torch`, on
//! by default), so `cargo xtask plan` and the check before a sweep run in `xtask` itself, at once.
//!
//! # Invariants
//!
//! - A mistake in a spec is found before anything trains, downloads or compiles, and is told with
//!   file, line, column, the text, and a remedy. A [`plan::Plan`] in hand is valid.
//! - A weight is declared once, by its operation; the plan counts it and the model creates it.
//! - Every random number comes from a generator derived from the run's seed, a purpose and an epoch
//!   ([`random`]): runs do not disturb one another, and the same seed gives the same bytes on a CPU.
//! - No step of training waits for the device. Images stay on it as uint8; losses are summed there.
//! - A run that ended is on the disk before another takes its place. Tables are functions of the records.
//! - A run goes on from its last checkpoint bit for bit, wherever it was killed; the last good checkpoint
//!   is there until the next is durable.
//! - No table that a person has changed is overwritten, and no two processes write to one sweep
//!   unknowingly.
//! - Where several processes may train a sweep, one alone has a run at a time ([`records::Claim`]); one that
//!   was replaced keeps nothing more.
//! - A failing, diverging or panicking run costs no other run; nor does one whose process dies, where
//!   runs have processes of their own: side by side, and on GPUs. It is tried once more.
//! - All runs of a sweep have the same number of threads, and no result depends on what ran beside it.
//! - A run that waits (successive halving) goes on bit for bit as if it had not; nothing is stopped,
//!   dropped or chosen by test images.
//!
//! # Where to add
//!
//! | what | where |
//! |---|---|
//! | a network, a block, a sweep | `experiments/`, no Rust; `cargo xtask docs` lists it in the tutorial |
//! | an operation | its file in `src/op/`, and its line in `operations!` of `src/op/mod.rs`; golden cases in `tests/reference/operations.py` |
//! | an optimiser | `spec/train/optimizer.rs` (its fields), `train/optim/rule.rs` (its state and step), `shim/`; golden steps in `tests/reference/optim.py` |
//! | a part of the loss | `train/distill.rs` is an example; golden values in `tests/reference/distill.py` |
//! | what a step on a GPU replays | `train/replay.rs`, `shim/graph.cpp`; against the CPU in `tests/torch/cuda.rs` |
//! | where tensors on the CPU lie | `shim/memory.cpp`, its tests in `shim/memory.rs` |
//! | a precision | `spec/train/precision.rs`, `train/precision.rs`, `model/arithmetic.rs`; golden steps in `tests/reference/precision.py` |
//! | a schedule | `spec/train/schedule.rs`, `train/schedule.rs`; golden rates in `tests/reference/optim.py` |
//! | a kind of axis, a distribution | `spec/axes/read.rs`, `spec/axes/sample.rs` |
//! | a function of expressions | its line and its case in `spec/expr/functions.rs` |
//! | a change of the numbers that a spec gives | raise `NUMERICS` in `experiment/resolve.rs` |
//! | a file of a run | its line in `RunFile` of `saved/mod.rs`; `xtask/src/verify_resume.rs` compares those that are the same in every run |
//! | what a run carries from step to step | a line in the `keep` of its part (`train/saved.rs`), so that a run goes on bit for bit |
//! | a part of a step that `bisect` compares | `train/retrace.rs` (in the order in which it comes to be), its name in `commands/bisect/parting.rs` |
//! | a rule for initial weights | `op/start.rs` (its fields, what it comes to), `model/init.rs` (what it draws); golden facts in `tests/reference/start.py` |
//! | an augmentation | `spec/train/augment.rs`, `train/augment/` (what it draws, what it does); golden results in `tests/reference/augment.py` |
//! | a word of the reference page | the doc comment it comes from, then `cargo xtask docs` |
//! | a column | its line in `records/rows.rs`, and what fills it in `records/record.rs` |
//! | a quicker kernel | `shim/*.cpp`, its call in `shim/layers.rs`, what runs together in `model/kernel.rs`; against libtorch in `tests/torch/layers.rs`, measured by `cargo xtask bench` |
//! | a format of `plan` | `PlanFormat` in `cli.rs`, `commands/plan/formats.rs` |
//! | a network of the bench | `xtask/src/bench/cases.rs`, `tests/reference/peer_networks.py` |
//! | a peer of the bench | `xtask/src/bench/cases.rs`, `tests/reference/bench_peer.py` |
//! | a recipe to certify | `experiments/certify/`, its twin in `tests/reference/certify_peer.py` |
//! | a metric that `compare` knows | its line in `Metric::ALL` of `compare/metric.rs` |
//! | a rule for seeds | `spec/until_resolved.rs` (its fields), `sweep/adding.rs` (who trains another seed) |
//! | a test, a correction | its file in `statistics/`; golden numbers in `tests/reference/statistics_golden.py` |
//! | a format of `compare` | `CompareFormat` in `cli.rs`, `commands/compare/formats.rs` |
//! | an option of a submission | `SlurmArgs` in `cli.rs`, `request` in `commands/launch.rs` |
//! | a format of `classes` and `disagree` | `TableFormat` in `cli.rs`, `commands/sheet.rs` |
//! | a figure of classes or images | its file in `compare/classes/`; golden numbers in `tests/reference/classes_golden.py` |
//! | a program that runs are exported to | `ExportTo` in `cli.rs`, its file in `export/` |
//! | a chart of the report | `report/curves.rs` or `report/costs.rs` (its line in `DRAWN` or `COSTS`) |
//! | a section of the report | its file in `report/`, its line in `sections` of `report/page.rs` |
//! | a command that reads results | as below, and a line in `xtask/src/synthesize/measure.rs`, which tells what it takes over ten thousand runs |
//! | a command | `cli.rs`, its file in `commands/`, `main.rs` and `xtask/src/main.rs` |

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod compare;
pub mod data;
#[cfg(feature = "torch")]
pub mod device;
pub mod experiment;
pub mod export;
pub mod graph;
pub mod machine;
#[cfg(feature = "torch")]
pub mod model;
pub mod op;
pub mod picture;
pub mod plan;
pub mod progress;
pub mod random;
pub mod records;
pub mod regular;
pub mod report;
pub mod saved;
#[cfg(feature = "torch")]
pub mod shim;
pub mod spec;
pub mod statistics;
pub mod sweep;
#[cfg(feature = "torch")]
pub mod torch_error;
pub mod train;
pub mod worker;
