//! Whether a JPEG file is whole: its decoder fills up what is missing with grey, and does not say so.

/// Walks over the segments (ITU-T T.81, B.1.1) to the end marker of the first picture; what follows it does not matter.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    end(bytes).is_some()
}

/// Where the end marker lies.
fn end(bytes: &[u8]) -> Option<usize> {
    const START_OF_IMAGE: u8 = 0xd8;
    const END_OF_IMAGE: u8 = 0xd9;
    let mut at = 0;
    loop {
        at = marker(bytes, at)?;
        match bytes[at + 1] {
            END_OF_IMAGE => return Some(at),
            // Without a length: TEM, and the start.
            0x01 | START_OF_IMAGE => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?])),
        }
    }
}

/// The next marker from `at` on: 0xff and a byte that is neither 0, which stands behind a 0xff among the coded data, nor 0xff, which fills up,
/// nor a marker that restarts the decoder in between.
fn marker(bytes: &[u8], at: usize) -> Option<usize> {
    let found =
        bytes.get(at..)?.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7));
    Some(at + found?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_ends_with_its_own_marker() {
        // The start, a segment with a marker inside, a scan with stuffed and restart bytes, the end, and what other programs append.
        let whole = [
            &[0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 1, 2, 0xff, 0xff, 0xda, 0, 3, 7][..],
            &[1, 0xff, 0, 2, 0xff, 0xd3, 4, 0xff, 0xd9, 0xff, 0xda, 9],
        ]
        .concat();
        assert_eq!(end(&whole), Some(23));
        for len in 0..25 {
            assert!(!is_whole(&whole[..len]), "{len}");
        }
        assert!(is_whole(&whole[..25]));
    }
}
