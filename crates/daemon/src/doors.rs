//! Where clients come in: sockets that systemd opened before, or ones of our own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use op_agent::{InheritError, Inherited};
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
    let (unix, socket, is_own) = if let Some(inherited) = Inherited::named(NAME)? {
        let (unix, socket) = inherited.listen().map_err(InheritError::Unfit)?;
        (unix, socket, false)
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
