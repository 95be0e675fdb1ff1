//! Where a peer listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a peer listens: a Unix socket or a TCP port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix socket: `unix:/run/op-dbus/agent/rust_pro.sock`.
    Unix(PathBuf),
    /// A TCP host and port: `tcp:127.0.0.1:50051`. Port 0 asks the system for a free one.
    Tcp {
        /// Host name or IP address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// The text starts with none of the known schemes.
    #[error("`{0}` is not an address: write `unix:/path/to.sock` or `tcp:HOST:PORT`")]
    Scheme(String),
    /// A Unix socket needs an absolute path.
    #[error("the socket path in `{0}` is not absolute")]
    Relative(String),
    /// A TCP address needs a host and a port.
    #[error("`{0}` has no valid host and port: write `tcp:127.0.0.1:50051` or `tcp:[::1]:50051`")]
    HostPort(String),
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(text, path.strip_prefix("//").unwrap_or(path));
        }
        let authority = ["tcp:", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or_else(|| ParseAddressError::Scheme(text.to_owned()))?;
        tcp(text, authority.trim_end_matches('/'))
    }
}

fn unix(text: &str, path: &str) -> Result<Address, ParseAddressError> {
    if path.starts_with('/') {
        Ok(Address::Unix(path.into()))
    } else {
        Err(ParseAddressError::Relative(text.to_owned()))
    }
}

fn tcp(text: &str, authority: &str) -> Result<Address, ParseAddressError> {
    let wrong = || ParseAddressError::HostPort(text.to_owned());
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() || host.contains('/') {
        return Err(wrong());
    }
    Ok(Address::Tcp { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in
            ["unix:/run/op-dbus/grpc.sock", "tcp:127.0.0.1:50051", "tcp:[::1]:50051", "tcp:localhost:0"]
        {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn a_base_address_as_url_is_tcp() {
        let address = "http://127.0.0.1:50051".parse::<Address>();
        assert_eq!(address, Ok(Address::Tcp { host: "127.0.0.1".into(), port: 50051 }));
    }

    #[test]
    fn a_text_that_is_no_address_says_what_to_write() {
        assert!(matches!("/run/x.sock".parse::<Address>(), Err(ParseAddressError::Scheme(_))));
        assert!(matches!("unix:x.sock".parse::<Address>(), Err(ParseAddressError::Relative(_))));
        for text in ["tcp:localhost", "tcp::1", "tcp:host:99999", "tcp:a/b:1"] {
            assert!(matches!(text.parse::<Address>(), Err(ParseAddressError::HostPort(_))), "{text}");
        }
    }
}
