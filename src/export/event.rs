//! Scalars as the bytes of an event file: records of TFRecord, each a `tensorflow.Event` in Protocol
//! Buffers (tensorboard/compat/proto/event.proto and summary.proto). Three messages with seven fields in
//! all do not pay for a library with a compiler of schemas.

use crc::{CRC_32_ISCSI, Crc};

use super::Scalar;

/// CRC-32C.
const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
/// What the first event of a file says.
const VERSION: &[u8] = b"brain.Event:2";

/// The whole file; `started` is in seconds since 1970. Values are float32, which is what TensorBoard
/// keeps of scalars.
pub(super) fn file(started: f64, scalars: &[Scalar]) -> Vec<u8> {
    let mut first = Message::default();
    first.double(1, started);
    first.bytes(3, VERSION);
    let mut bytes = record(&first.0);
    for scalar in scalars {
        bytes.extend(record(&event(scalar)));
    }
    bytes
}

/// `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }`.
fn event(scalar: &Scalar) -> Vec<u8> {
    let (mut value, mut summary, mut event) =
        (Message::default(), Message::default(), Message::default());
    value.bytes(1, scalar.name.as_bytes());
    value.float(2, scalar.value as f32);
    summary.bytes(1, &value.0);
    event.double(1, scalar.time);
    event.integer(2, scalar.epoch.into());
    event.bytes(5, &summary.0);
    event.0
}

/// The length and the bytes, each with its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let sum = |bytes: &[u8]| masked(CASTAGNOLI.checksum(bytes)).to_le_bytes();
    [&length[..], &sum(&length), data, &sum(data)].concat()
}

/// A checksum as TFRecord stores it, so that it is none of itself.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    /// Seven bits a byte, the lowest first; the highest bit says that another follows.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C, masked by hand: 0xe3069283 turned right by 15 is 0x2507c60d.
    #[test]
    fn checksums_are_masked() {
        assert_eq!(CASTAGNOLI.checksum(b"123456789"), 0xe306_9283);
        assert_eq!(masked(0xe306_9283), 0x2507_c60d_u32.wrapping_add(0xa282_ead8));
    }

    #[test]
    fn varints_are_those_of_the_encoding_guide() {
        let mut message = Message::default();
        message.integer(1, 150);
        assert_eq!(message.0, [0x08, 0x96, 0x01]);
    }
}
