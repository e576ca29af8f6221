//! Where a model server is, from whatever form of its address a person has at hand.

use std::net::IpAddr;

use ureq::http::Uri;

/// The address of a model server's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What `/chat/completions` is appended to.
    base: String,
    is_local: bool,
    is_encrypted: bool,
}

/// Paths that people copy from examples along with the address.
const CALLS: [&str; 4] = [
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/models",
];

impl Address {
    /// Reads an address such as `http://localhost:11434`. `/v1` is added unless the path names a
    /// version itself, and a call at its end is left out.
    ///
    /// # Errors
    /// What is wrong with it. It is not repeated, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Err("it begins with neither http:// nor https://");
        }
        let uri: Uri = text.parse().map_err(|_| "it is no web address")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("it names no host");
        };
        if authority.as_str().contains('@') {
            return Err("it holds a name or a password; a key belongs in llm.api_key");
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("it has something after ? or #");
        }
        let mut path = uri.path().trim_end_matches('/');
        for call in CALLS {
            path = path.strip_suffix(call).unwrap_or(path);
        }
        let version = match path.split('/').any(is_version) {
            true => "",
            false => "/v1",
        };
        let host = authority.host().trim_matches(['[', ']']);
        Ok(Self {
            base: format!("{scheme}://{authority}{path}{version}"),
            is_local: host.eq_ignore_ascii_case("localhost")
                || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            is_encrypted: scheme == "https",
        })
    }

    /// Where a call goes; `call` begins with a slash.
    pub(super) fn of(&self, call: &str) -> String {
        format!("{}{call}", self.base)
    }

    /// True on this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// True over TLS.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.base)
    }
}

/// `v1`, `v1beta`, `v3`.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_their_path() {
        for (given, base) in [
            ("http://localhost:11434", "http://localhost:11434/v1"),
            (" http://localhost:11434/ ", "http://localhost:11434/v1"),
            ("http://gpu:8000/v1", "http://gpu:8000/v1"),
            ("http://gpu:8000/v1/", "http://gpu:8000/v1"),
            (
                "http://[::1]:8000/v1/chat/completions",
                "http://[::1]:8000/v1",
            ),
            (
                "https://gate.example/openai",
                "https://gate.example/openai/v1",
            ),
            (
                "https://gate.example/v1beta/openai/",
                "https://gate.example/v1beta/openai",
            ),
        ] {
            let address = Address::parse(given).unwrap();
            assert_eq!(address.to_string(), base);
            assert_eq!(address.is_encrypted(), base.starts_with("https"));
        }
        assert!(Address::parse("http://[::1]:1").unwrap().is_local());
        assert!(!Address::parse("http://10.0.0.7:1").unwrap().is_local());
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for given in [
            "",
            "localhost:11434",
            "ftp://gpu/v1",
            "http://",
            "http://user:secret@gpu/v1",
            "https://gpu/v1?key=secret",
            "http://gpu/v1#secret",
            "http://two words/",
        ] {
            let why = Address::parse(given).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
