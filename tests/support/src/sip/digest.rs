//! Digest authentication (RFC 7616, 3.4) with SHA-256 and `qop=auth`, as RFC 8760 brings it to SIP.
use sha2::{Digest, Sha256};

/// A user of the host's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Credentials {
    /// Those that a test's host gives the user of this name.
    pub fn of(user: &str) -> Self {
        Self { user: user.into(), password: format!("secret of {user}") }
    }

    /// The answer to a challenge; `None` where that is no digest challenge.
    pub(super) fn answering(&self, challenge: &str, method: &str, uri: &str, own_nonce: &str) -> Option<String> {
        const COUNT: &str = "00000001";
        let (user, password) = (&self.user, &self.password);
        let (realm, nonce) = (parameter(challenge, "realm")?, parameter(challenge, "nonce")?);
        let who = hash(&format!("{user}:{realm}:{password}"));
        let what = hash(&format!("{method}:{uri}"));
        let response = hash(&format!("{who}:{nonce}:{COUNT}:{own_nonce}:auth:{what}"));
        Some(format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm=SHA-256, cnonce=\"{own_nonce}\", nc={COUNT}, qop=auth"
        ))
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a challenge's quoted parameter.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616, 3.9.1.
    #[test]
    fn a_response_is_the_one_of_the_standards_example() {
        let mufasa = Credentials { user: "Mufasa".into(), password: "Circle of Life".into() };
        let challenge = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
                         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"F\"";
        let own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = mufasa.answering(challenge, "GET", "/dir/index.html", own).expect("it is a challenge");
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
    }
}
