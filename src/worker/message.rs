//! What is said between a sweep and its workers, a line of RON each.

use serde::{Deserialize, Serialize};

use crate::records::EpochRow;
use crate::sweep::{End, Leg, Point, StepReport};

/// What a worker is told to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// To train a run, and tell [`Message::Step`], [`Message::Epoch`] and at last
    /// [`Message::Ended`].
    Train(Assignment),
    /// To get ready to measure how fast the first steps of an experiment are, and tell
    /// [`Message::Ready`].
    Prepare(Assignment),
    /// To train for about so many seconds on images made up, and tell [`Message::Pace`].
    Measure(f64),
}

/// A run, as a worker needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The resolved spec of the experiment, which is a sweep with this experiment alone.
    pub spec: String,
    /// Its hash: the worker must come to the same.
    pub hash: String,
    /// The seed of the run.
    pub seed: u64,
    /// CPU threads within an operation.
    pub threads: u32,
    /// The part of the run.
    pub leg: Leg,
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// A training step is done.
    Step(StepReport),
    /// An epoch is trained and evaluated.
    Epoch(Box<EpochRow>),
    /// The run goes on from a checkpoint.
    WentOn(Point),
    /// An epoch was trained before, with whose state the run goes on.
    Recalled(Box<EpochRow>),
    /// Something that a person should know.
    Said(String),
    /// The run in hand has ended.
    Ended(End),
    /// Ready to measure.
    Ready,
    /// Images trained a second.
    Pace(f64),
}

/// A message as a line, with its end.
///
/// # Errors
/// None that could be met: every value has its RON.
pub fn line<T: Serialize>(value: &T) -> Result<String, ron::Error> {
    ron::to_string(value).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_said_is_one_line_and_comes_back() {
        let spec = "Sweep(\n  networks: [\"a\\\\b\"], // \u{e9}\n)".to_string();
        let order = Order::Train(Assignment {
            spec,
            hash: "0a".into(),
            seed: u64::MAX,
            threads: 2,
            leg: Leg::default(),
        });
        let text = line(&order).unwrap();
        assert_eq!((text.matches('\n').count(), text.ends_with('\n')), (1, true));
        assert_eq!(ron::from_str::<Order>(&text).unwrap(), order);

        let step = StepReport {
            epoch: 1,
            step: 2,
            steps: 3,
            images_per_s: Some(0.1 + 0.2),
            loss: Some(f64::INFINITY),
        };
        for message in [Message::Step(step), Message::Ended(End::Failed("a\nb".into()))] {
            let text = line(&message).unwrap();
            assert_eq!(text.matches('\n').count(), 1);
            assert_eq!(ron::from_str::<Message>(&text).unwrap(), message);
        }
    }
}
