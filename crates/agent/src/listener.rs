//! Where an agent listens.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use op_proto::Address;
use rustix::fs::{Mode, fchmod};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

use crate::Inherited;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A bound socket. Dropping it closes it, and removes the file of a Unix socket that it made.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Unix {
        listener: UnixListener,
        /// Removes the file when it is dropped; the file of an inherited socket is somebody else's.
        _file: Option<File>,
    },
    Tcp(TcpListener),
}

/// The socket file that this listener made, told from a later one in its place by its inode.
#[derive(Debug)]
struct File {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

/// An accepted connection.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// Why an agent cannot listen at an address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The directory of the socket is missing and cannot be made.
    #[error("cannot create the directory `{}`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Somebody listens there.
    #[error("another process listens on `{}` already", path.display())]
    Live {
        /// The socket.
        path: PathBuf,
    },
    /// There is something else at the place of the socket.
    #[error("`{}` exists and is not a socket", path.display())]
    NotSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system says no.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: Address,
        /// What went wrong.
        source: io::Error,
    },
}

impl Listener {
    /// Binds the address. A Unix socket is made with mode 0600, its directory with 0700 when it is missing; a socket
    /// file that nobody listens on is replaced. TCP port 0 takes a free port, see [`address`](Self::address).
    pub async fn bind(address: &Address) -> Result<Self, BindError> {
        match address {
            Address::Unix(path) => unix(path).await,
            Address::Tcp { host, port } => {
                let failed = |source| BindError::Bind { address: address.clone(), source };
                let listener = TcpListener::bind((host.as_str(), *port)).await.map_err(failed)?;
                let port = listener.local_addr().map_err(failed)?.port();
                let address = Address::Tcp { host: host.clone(), port };
                Ok(Self { address, socket: Socket::Tcp(listener) })
            }
        }
    }

    /// Listens on a socket that this process was started with. Its file stays when the listener is dropped.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    pub fn adopt(inherited: Inherited) -> Result<Self, BindError> {
        let address = Address::Unix(inherited.path.clone());
        let failed = |source| BindError::Bind { address: address.clone(), source };
        let (listener, _) = inherited.listen().map_err(failed)?;
        Ok(Self { address, socket: Socket::Unix { listener, _file: None } })
    }

    /// The address it is bound to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Unix { listener, .. } => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Frames are small and each may be all a hub waits for.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

async fn unix(path: &Path) -> Result<Listener, BindError> {
    let address = Address::Unix(path.to_owned());
    let failed = |source| BindError::Bind { address: address.clone(), source };
    if let Some(parent) = path.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|source| BindError::Directory { path: parent.to_owned(), source })?;
    }
    clear(path).await?;
    let listener = private(path).map_err(failed)?;
    let identity = fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let file = File { path: path.to_owned(), identity };
    Ok(Listener { address, socket: Socket::Unix { listener, _file: Some(file) } })
}

/// Removes a socket file that nobody listens on any more.
async fn clear(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Bind { address: Address::Unix(path.to_owned()), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(BindError::NotSocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Ok(_) => Err(BindError::Live { path: path.to_owned() }),
        // A full backlog is a sign of life.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(BindError::Live { path: path.to_owned() })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Binds a socket that is the owner's alone from its first moment: Linux gives the file the mode of the socket.
fn private(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(path)?;
    socket.listen(BACKLOG)
}

impl Drop for File {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if now.is_some() && now == self.identity {
            // Left behind, the file is merely stale, and the next to bind replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn place() -> (tempfile::TempDir, Address, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("deep/er/agent.sock");
        (dir, Address::Unix(path.clone()), path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_unix_socket_and_its_directory_are_the_owners_alone() {
        let (_dir, address, path) = place();
        let listener = Listener::bind(&address).await.expect("binds");
        assert_eq!((mode(&path), mode(path.parent().expect("a parent"))), (0o600, 0o700));
        assert_eq!(listener.address(), &address);
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced() {
        let (_dir, address, path) = place();
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("binds"));
        assert!(path.exists());
        let _listener = Listener::bind(&address).await.expect("replaces it");
        UnixStream::connect(&path).await.expect("somebody listens");
    }

    #[tokio::test]
    async fn a_live_socket_is_refused() {
        let (_dir, address, path) = place();
        let _first = Listener::bind(&address).await.expect("binds");
        let error = Listener::bind(&address).await.expect_err("somebody listens");
        assert!(matches!(error, BindError::Live { .. }), "{error}");
        UnixStream::connect(&path).await.expect("the first still listens");
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let (_dir, address, path) = place();
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        fs::write(&path, "precious").expect("writes");
        let error = Listener::bind(&address).await.expect_err("not a socket");
        assert!(matches!(error, BindError::NotSocket { .. }), "{error}");
        assert_eq!(fs::read(&path).expect("reads"), b"precious");
    }

    #[tokio::test]
    async fn a_listener_does_not_remove_the_socket_of_its_successor() {
        let (_dir, address, path) = place();
        let first = Listener::bind(&address).await.expect("binds");
        fs::remove_file(&path).expect("removes");
        let _second = Listener::bind(&address).await.expect("binds");
        drop(first);
        UnixStream::connect(&path).await.expect("the second listens");
    }

    #[tokio::test]
    async fn port_0_is_resolved() {
        let address = Address::Tcp { host: "127.0.0.1".into(), port: 0 };
        let listener = Listener::bind(&address).await.expect("binds");
        let Address::Tcp { port, .. } = listener.address() else { panic!("not tcp") };
        TcpStream::connect(("127.0.0.1", *port)).await.expect("somebody listens");
    }
}
