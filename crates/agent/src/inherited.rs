//! A socket that was open before this process started: systemd listens, and starts the agent, or the daemon, with it
//! ([sd_listen_fds(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html)).

use std::env;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;

/// A Unix socket that systemd handed over.
#[derive(Debug)]
pub struct Inherited {
    listener: UnixListener,
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
        let handed = ListenFd::from_env();
        match handed.len() {
            0 => Ok(None),
            1 => Self::at(handed, 0),
            several => Err(InheritError::Several(several)),
        }
    }

    /// Takes the socket of this name (`FileDescriptorName=`) out of the environment, and lets go of others; `None` when this process
    /// was started with none. To be called as [`take`](Self::take) is.
    ///
    /// # Errors
    /// When it is no Unix socket with a path.
    pub fn named(name: &str) -> Result<Option<Self>, InheritError> {
        // Read first: taking the sockets takes the variables, so that no child believes them to be its own.
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let handed = ListenFd::from_env();
        match names.split(':').position(|of| of == name) {
            Some(at) => Self::at(handed, at),
            None => Ok(None),
        }
    }

    /// Begins to listen, and says where. The file of the socket is its owner's.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    pub fn listen(self) -> io::Result<(tokio::net::UnixListener, PathBuf)> {
        self.listener.set_nonblocking(true)?;
        Ok((tokio::net::UnixListener::from_std(self.listener)?, self.path))
    }

    fn at(mut handed: ListenFd, at: usize) -> Result<Option<Self>, InheritError> {
        let listener = handed.take_unix_listener(at).map_err(InheritError::Unfit)?;
        listener.map(Self::new).transpose()
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
    use std::os::fd::OwnedFd;
    use std::process::Command;

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

    /// Not a test of its own: what this program finds when other tests start it again.
    #[test]
    #[ignore = "the process of other tests"]
    fn a_process() {
        let found = match env::var("WANTED") {
            Ok(name) => Inherited::named(&name),
            Err(_) => Inherited::take(),
        };
        let told = match found {
            Ok(Some(inherited)) => inherited.path.display().to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        let left = env::var_os("LISTEN_FDS").map_or("", |_| ", and left it to its children");
        println!("found: {told}{left}");
    }

    /// What such a process finds that is started as systemd does it, with a socket under each of these names.
    fn found(names: &[&str], wanted: Option<&str>) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let bound = UnixListener::bind(folder.path().join("a.sock")).expect("binds");
        let handed = format!("LISTEN_PID=$$ LISTEN_FDS={} LISTEN_FDNAMES={}", names.len(), names.join(":"));
        let copies: String = (0..names.len()).map(|at| format!(" {}<&0", 3 + at)).collect();
        let variables = if names.is_empty() { "" } else { &handed };
        let child = Command::new("sh")
            .args(["-c", &format!("{variables} exec \"$0\" \"$@\"{copies}")])
            .arg(env::current_exe().expect("this program"))
            .args(["inherited::tests::a_process", "--exact", "--ignored", "--nocapture"])
            .envs(wanted.map(|name| ("WANTED", name)))
            .stdin(OwnedFd::from(bound))
            .output()
            .expect("sh is there");
        let told = String::from_utf8_lossy(&child.stdout).into_owned();
        let (_, rest) = told.split_once("found: ").unwrap_or_else(|| panic!("{child:?}"));
        let line = rest.lines().next().expect("a line");
        line.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_process_takes_the_one_socket_that_it_was_given_whatever_that_is_called() {
        assert_eq!(found(&["agent"], None), "a.sock");
        assert_eq!(found(&["other"], None), "a.sock");
        assert_eq!(found(&["a", "b"], None), "systemd hands over 2 sockets, and an agent listens on one");
    }

    #[test]
    fn a_process_takes_the_socket_of_a_name_and_no_other() {
        assert_eq!(found(&["http", "grpc"], Some("grpc")), "a.sock");
        assert_eq!(found(&["http"], Some("grpc")), "none");
    }

    #[test]
    fn a_process_that_was_given_no_socket_has_none() {
        assert_eq!(found(&[], None), "none");
        assert_eq!(found(&[], Some("grpc")), "none");
    }
}
