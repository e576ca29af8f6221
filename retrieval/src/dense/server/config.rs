//! Which Qdrant server, and how a collection is made on it.

use std::time::Duration;

use tonic::transport::Uri;

/// Qdrant's port for gRPC; the web page and REST are on 6333.
const GRPC_PORT: u16 = 6334;

/// Address of a Qdrant server's gRPC interface: `http://host:6334`, or `https://` for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl ServerAddress {
    /// Reads an address; the port is 6334 where none is given.
    ///
    /// # Errors
    /// What is wrong with it, for a person to read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("it is no URL: {error}"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if !["http", "https"].contains(&scheme) {
            return Err("it does not begin with http:// or https://".into());
        }
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err("it names no host".into());
        }
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err("it has a password in it; give the key as qdrant.api_key".into());
        }
        if !["", "/"].contains(&uri.path()) || uri.query().is_some() {
            return Err("it goes on after host and port".into());
        }
        let port = match uri.authority().map(|authority| authority.as_str()) {
            Some(authority) if authority.ends_with(':') => return Err("its port is empty".into()),
            // hyper's parser takes a number that is no port for none.
            Some(authority) if authority.ends_with(host) => GRPC_PORT,
            _ => uri
                .port_u16()
                .ok_or("its port is no number from 1 to 65535")?,
        };
        if port == 0 {
            return Err("its port is 0".into());
        }
        Ok(Self(format!("{scheme}://{host}:{port}")))
    }

    /// As `scheme://host:port`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that is never printed.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    /// Where it could not be sent as a header.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has blanks or characters beyond ASCII".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// The key itself, to send.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(not shown)")
    }
}

/// A Qdrant server or cluster.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where it is.
    pub address: ServerAddress,
    /// What it asks for, if anything.
    pub api_key: Option<ApiKey>,
    /// What the names of this library's collections begin with. Two libraries on one server need
    /// different ones: each would delete what the other has.
    pub collection: String,
    /// Shards of a collection, when it is made.
    pub shards: u32,
    /// Copies of each shard, when it is made. A write waits for the majority of them.
    pub replicas: u32,
    /// Keep vectors and graph on disk rather than in the server's memory, when it is made.
    pub on_disk: bool,
    /// Longest wait for an answer.
    pub timeout: Duration,
}
