//! A host's version; layouts are stable within major and minor.

/// `1.11.3` in three parts, each of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first part.
    pub major: String,
    /// The second.
    pub minor: String,
    /// The third, without what follows its digits (`3-dev`).
    pub micro: String,
}

/// What is no version.
#[derive(Debug, thiserror::Error)]
#[error("the host calls its version {0}: not major.minor.micro; look into its freeswitch.pc")]
pub struct BadVersion(String);

impl Version {
    /// From `1.11.3-dev` or the like.
    pub fn parse(text: &str) -> Result<Self, BadVersion> {
        let mut parts = text.split('.').map(digits);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Some(major)), Some(Some(minor)), micro) => {
                Ok(Self { major, minor, micro: micro.flatten().unwrap_or_else(|| "0".into()) })
            }
            _ => Err(BadVersion(text.into())),
        }
    }
}

fn digits(part: &str) -> Option<String> {
    let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
    (end > 0).then(|| part[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_hosts_write_them() {
        let parts = |text| Version::parse(text).map(|v| [v.major, v.minor, v.micro]).ok();
        let of = |three: [&str; 3]| Some(three.map(str::to_owned));
        assert_eq!(parts("1.10.12"), of(["1", "10", "12"]));
        assert_eq!(parts("1.11.3-dev"), of(["1", "11", "3"]));
        assert_eq!(parts("1.10"), of(["1", "10", "0"]));
        assert_eq!(parts("unknown"), None);
        assert_eq!(parts("1"), None);
    }
}
