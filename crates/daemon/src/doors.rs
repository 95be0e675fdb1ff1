//! Where clients come in: sockets that systemd opened before, or ones of our own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use op_grpc::Doors;
use tokio::net::{TcpListener, UnixListener};

use crate::app::BuildError;
use crate::settings::Settings;

/// Name of the socket that is ours among those that systemd hands over (`FileDescriptorName=`).
const NAME: &str = "grpc";

/// The doors, open, and where the one on a Unix socket is.
pub(crate) struct Opened {
    pub(crate) doors: Doors,
    pub(crate) socket: PathBuf,
    /// Whether the file of the socket is to go with the daemon: one that systemd made stays.
    pub(crate) is_own: bool,
}

/// Takes the socket that systemd hands over, or makes one.
pub(crate) async fn open(settings: &Settings) -> Result<Opened, BuildError> {
    let (unix, socket, is_own) = if let Some((listener, path)) = inherited().map_err(BuildError::Inherited)? {
        (listener, path, false)
    } else {
        let path = settings.socket.clone();
        (listen(&path, !settings.users.is_empty()).await?, path, true)
    };
    let tcp = match settings.listen {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            Some(listener.map_err(|error| BuildError::Listen { address, error })?)
        }
    };
    Ok(Opened { doors: Doors { unix: Some(unix), tcp }, socket, is_own })
}

/// The socket called `grpc` of those that systemd hands over
/// ([sd_listen_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html)).
fn inherited() -> io::Result<Option<(UnixListener, PathBuf)>> {
    // Read first: taking the sockets takes the variables, so that no child of ours believes them to be its own.
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut handed = ListenFd::from_env();
    let Some(at) = names.split(':').position(|name| name == NAME) else { return Ok(None) };
    let Some(listener) = handed.take_unix_listener(at)? else { return Ok(None) };
    let address = listener.local_addr()?;
    let path = address.as_pathname().ok_or_else(|| io::Error::other("the socket has no path"))?.to_owned();
    listener.set_nonblocking(true)?;
    Ok(Some((UnixListener::from_std(listener)?, path)))
}

/// Listens on a socket. One that nobody listens on any more is replaced. Others may connect only where users are allowed by
/// number; the kernel vouches for theirs.
async fn listen(socket: &Path, for_others: bool) -> Result<UnixListener, BuildError> {
    if tokio::net::UnixStream::connect(socket).await.is_ok() {
        return Err(BuildError::Running(socket.to_owned()));
    }
    let place = |error| BuildError::Place { path: socket.to_owned(), error };
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(place(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(socket).map_err(place)?;
    let mode = if for_others { 0o666 } else { 0o600 };
    fs::set_permissions(socket, fs::Permissions::from_mode(mode)).map_err(place)?;
    Ok(listener)
}
