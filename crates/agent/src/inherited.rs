//! A socket that was open before this process started: systemd listens, and starts the agent with it
//! ([sd_listen_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html)).

use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;

/// A Unix socket that systemd handed over.
#[derive(Debug)]
pub struct Inherited {
    pub(crate) listener: UnixListener,
    pub(crate) path: PathBuf,
}

/// Why what was handed over cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// An agent listens in one place.
    #[error("systemd hands over {0} sockets, and an agent listens on one")]
    Several(usize),
    /// It is no Unix socket that listens at a path.
    #[error("systemd hands over something else than a Unix socket with a path")]
    Unfit(#[source] io::Error),
}

impl Inherited {
    /// Takes the socket out of the environment; `None` when this process was started with none. To be called while there is
    /// one thread, since the environment changes.
    ///
    /// # Errors
    /// When it is not exactly one Unix socket with a path.
    pub fn take() -> Result<Option<Self>, InheritError> {
        let mut handed = ListenFd::from_env();
        match handed.len() {
            0 => Ok(None),
            1 => match handed.take_unix_listener(0).map_err(InheritError::Unfit)? {
                Some(listener) => Self::new(listener).map(Some),
                None => Ok(None),
            },
            several => Err(InheritError::Several(several)),
        }
    }

    fn new(listener: UnixListener) -> Result<Self, InheritError> {
        let address = listener.local_addr().map_err(InheritError::Unfit)?;
        let nameless = || InheritError::Unfit(io::Error::other("the socket has no path"));
        let path = address.as_pathname().ok_or_else(nameless)?.to_owned();
        Ok(Self { listener, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;
    use op_proto::Address;

    #[tokio::test]
    async fn an_inherited_socket_is_listened_on_and_its_file_is_left_to_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("agent.sock");
        let bound = UnixListener::bind(&path).expect("binds");
        let inherited = Inherited::new(bound).expect("it has a path");
        let listener = Listener::adopt(inherited).expect("adopts");
        assert_eq!(listener.address(), &Address::Unix(path.clone()));
        let (_client, _stream) = tokio::join!(tokio::net::UnixStream::connect(&path), listener.accept());
        drop(listener);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_process_that_was_given_no_socket_has_none() {
        assert!(Inherited::take().expect("nothing is wrong").is_none());
    }
}
