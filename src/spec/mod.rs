//! The spec stage: RON text to typed specs.
pub mod axes;
pub mod block;
pub mod data;
pub mod de;
pub mod error;
pub mod expr;
pub mod halving;
pub mod load;
pub mod network;
pub mod node;
pub mod overlay;
pub mod params;
pub mod source;
pub mod sweep;
pub mod template;
pub mod train;
pub mod tree;
