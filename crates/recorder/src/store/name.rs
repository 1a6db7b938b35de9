//! A segment's file name says whose it is, so that a lost catalogue can be rebuilt from a listing.
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::ids::{RecordingId, TrackNumber};

const SUFFIX: &str = ".segment";

/// `<recording>-<track>-<segment>.segment`: 32 hexadecimal digits, the track from 1, the segment from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentName {
    /// The recording.
    pub recording: RecordingId,
    /// The track in it.
    pub track: TrackNumber,
    /// The segment in that, from 0.
    pub segment: u32,
}

/// Why a text is no segment's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a segment's name is `<recording>-<track>-<segment>.segment`, as the recorder wrote it")]
pub struct BadSegmentName;

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}{SUFFIX}", self.recording, self.track, self.segment)
    }
}

impl FromStr for SegmentName {
    type Err = BadSegmentName;

    fn from_str(text: &str) -> Result<Self, BadSegmentName> {
        let stem = text.strip_suffix(SUFFIX).ok_or(BadSegmentName)?;
        let mut parts = stem.split('-');
        let (Some(recording), Some(track), Some(segment), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadSegmentName);
        };
        let name = Self {
            recording: recording.parse().map_err(|_| BadSegmentName)?,
            track: TrackNumber(track.parse::<NonZeroU16>().map_err(|_| BadSegmentName)?),
            segment: segment.parse().map_err(|_| BadSegmentName)?,
        };
        // One name per segment: `+1` and `01` parse as numbers and are refused here.
        if name.to_string() == text { Ok(name) } else { Err(BadSegmentName) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_recording_track_and_segment() {
        let text = "000102030405060708090a0b0c0d0e0f-2-17.segment";
        let name: SegmentName = text.parse().expect("written by the recorder");
        assert_eq!((name.track.get(), name.segment), (2, 17));
        assert_eq!(name.to_string(), text);
    }

    #[test]
    fn what_the_recorder_did_not_write_is_no_segment() {
        let id = "000102030405060708090a0b0c0d0e0f";
        for text in [
            String::new(),
            format!("{id}-1-0"),
            format!("{id}-0-0.segment"),
            format!("{id}-01-0.segment"),
            format!("{id}-1-+0.segment"),
            format!("{id}-1-0-0.segment"),
            format!("../{id}-1-0.segment"),
            format!("{id}-1-4294967296.segment"),
        ] {
            assert_eq!(text.parse::<SegmentName>(), Err(BadSegmentName), "{text}");
        }
    }
}
