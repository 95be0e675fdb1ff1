//! The connections of hubs, each a task of the floor.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::Listener;
use crate::floor::Floor;
use crate::listener::Stream;

/// How long an open stream may hold a connection once the agent closes.
const CLOSE: Duration = Duration::from_secs(1);

/// Bytes on their way before a stream, or a connection, must wait for the reader.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// How often a silent peer on the network is asked for a sign of life. A Unix socket breaks by itself.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Wait after an accept that failed, for want of file descriptors as a rule.
const RETRY: Duration = Duration::from_millis(50);

/// Accepts connections for as long as it is polled.
pub(crate) async fn accept(listener: &Listener, floor: &Arc<Floor>, routes: &Routes) {
    loop {
        match listener.accept().await {
            Ok(Stream::Unix(stream)) => {
                floor.links.spawn(serve(stream, None, Arc::clone(floor), routes.clone()));
            }
            Ok(Stream::Tcp(stream)) => {
                floor.links.spawn(serve(stream, Some(KEEPALIVE), Arc::clone(floor), routes.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Serves one connection until the hub leaves or the agent closes.
async fn serve<S>(stream: S, keepalive: Option<Duration>, floor: Arc<Floor>, routes: Routes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| routes.clone().oneshot(request));
    let mut server = http2::Builder::new(Tracked(floor.links.clone()));
    server
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(keepalive);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = floor.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A stream that is still open then, such as a health watch, ends with its connection.
            tokio::time::timeout(CLOSE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Runs hyper's tasks under the floor's eyes.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
