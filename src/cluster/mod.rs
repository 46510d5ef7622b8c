//! A sweep on a cluster: its runs are tasks of job arrays, which a scheduler starts and starts again.
//!
//! | file | what stands there |
//! |---|---|
//! | `submission` | what is left in the folder of the sweep for its tasks, and for who looks at them |
//! | `script` | the batch script |
//! | `slurm` | the programs of Slurm |
//!
//! There is no process of our own that watches over them. What is known stands in the folder of
//! results, which all machines see: records of runs that are over, checkpoints, and who has which run
//! ([`crate::records::Claim`]).

mod script;
mod slurm;
mod submission;

pub use script::Script;
pub use slurm::{Request, SlurmError, Task, arguments, max_array_size, queue, submit};
pub use submission::{
    Array, Planned, PlannedRun, Queued, Rules, Submission, SubmissionError, folder, queued,
};
