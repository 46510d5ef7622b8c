//! Files that are not what they should be, through all that reads them. Each module takes any bytes as
//! one kind of file, and has small files of that kind, which fuzzing begins with.
#![allow(dead_code)]

pub mod checkpoint;
pub mod cifar;
pub mod csv;
pub mod safetensors;

#[path = "../results.rs"]
mod results;
