//! A connection over the Unix socket that remembers who is on its other end.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use op_engine::ports::{Caller, Subject};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::transport::server::Connected;

/// A connection over the Unix socket.
pub(crate) struct Visitor {
    stream: UnixStream,
    caller: Option<Caller>,
}

/// Who is on the other end; `None` when the kernel does not say.
#[derive(Debug, Clone)]
pub(crate) struct Vouched(pub(crate) Option<Caller>);

impl Visitor {
    /// Looks at who connected. The process is held from here on, so that its id means no other one later.
    pub(crate) fn new(stream: UnixStream) -> Self {
        let caller = stream.peer_cred().ok().map(|credentials| {
            let pid = credentials.pid().unwrap_or_default();
            let subject = Subject::Process { pid: pid.unsigned_abs(), descriptor: hold(pid) };
            Caller { user: Some(credentials.uid()), subject }
        });
        Self { stream, caller }
    }
}

fn hold(pid: i32) -> Option<Arc<OwnedFd>> {
    let held = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty());
    held.ok().map(Arc::new)
}

impl Connected for Visitor {
    type ConnectInfo = Vouched;

    fn connect_info(&self) -> Vouched {
        Vouched(self.caller.clone())
    }
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
