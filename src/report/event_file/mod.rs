//! TensorBoard's event files: records of a length, its checksum, a protocol buffer, and its checksum.

mod histogram;
mod messages;

use super::figures::Picture;
use histogram::histogram;
use messages::{Content, Event, Image, SessionLog, Summary, Value, What};
use prost::Message;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";
/// Of [`SessionLog`]: a training begins.
const START: i32 = 1;

/// Seconds since 1970.
pub(super) fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The first two records of a file. The second says that a training goes on with `step`: TensorBoard forgets what it has read of
/// that step and of later ones.
pub(super) fn head(step: u64) -> Vec<u8> {
    let start = What::SessionLog(SessionLog { status: START });
    [record(0, What::FileVersion(VERSION.into())), record(step, start)].concat()
}

/// A record with numbers, each with its tag; what is no finite number is left out.
pub(super) fn scalars(step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let value = |(tag, value): &(String, f64)| (tag.clone(), Content::Scalar(*value as f32));
    summary(step, values.iter().filter(|(_, value)| value.is_finite()).map(value))
}

/// A record with the histogram of each tag's numbers.
pub(super) fn histograms<'a>(step: u64, values: impl Iterator<Item = (String, &'a [f32])>) -> Vec<u8> {
    summary(step, values.filter_map(|(tag, values)| Some((tag, Content::Histogram(histogram(values)?)))))
}

/// A record with a picture.
pub(super) fn image(step: u64, tag: String, picture: &Picture) -> Vec<u8> {
    let [height, width] = picture.size.map(|side| side as i32);
    let colorspace = if picture.is_colour { 3 } else { 1 };
    let image = Image { height, width, colorspace, encoded_image_string: picture.to_png() };
    summary(step, [(tag, Content::Image(image))].into_iter())
}

/// A record with values; nothing where there are none.
fn summary(step: u64, values: impl Iterator<Item = (String, Content)>) -> Vec<u8> {
    let value: Vec<Value> = values.map(|(tag, content)| Value { tag, content: Some(content) }).collect();
    if value.is_empty() { Vec::new() } else { record(step, What::Summary(Summary { value })) }
}

fn record(step: u64, what: What) -> Vec<u8> {
    let event = Event { wall_time: seconds(), step: step as i64, what: Some(what) }.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), &event, &checksum(&event)].concat()
}

/// The masked CRC-32C of TensorFlow's record files.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(mut bytes: &[u8]) -> Vec<Event> {
        let mut found = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<8>() {
            let len = u64::from_le_bytes(*length) as usize;
            assert_eq!(rest[..4], checksum(length));
            assert_eq!(rest[4 + len..][..4], checksum(&rest[4..4 + len]));
            found.push(Event::decode(&rest[4..4 + len]).expect("an event"));
            bytes = &rest[len + 8..];
        }
        found
    }

    #[test]
    fn records_are_framed_and_what_is_no_number_is_left_out() {
        let found = events(&head(7));
        assert_eq!(found[0].what, Some(What::FileVersion("brain.Event:2".into())));
        assert_eq!((found[1].step, &found[1].what), (7, &Some(What::SessionLog(SessionLog { status: 1 }))));
        let values = [("loss", 0.5), ("accuracy", f64::NAN)].map(|(tag, value)| (tag.to_owned(), value));
        let found = events(&scalars(3, &values));
        let only = Value { tag: "loss".into(), content: Some(Content::Scalar(0.5)) };
        assert_eq!((found.len(), found[0].step), (1, 3));
        assert_eq!(found[0].what, Some(What::Summary(Summary { value: vec![only] })));
        assert_eq!(scalars(3, &values[1..]), b"");
        // The check value of CRC-32C, 0xe3069283, masked.
        assert_eq!(u32::from_le_bytes(checksum(b"123456789")), 0xc78a_b0e5);
    }
}
