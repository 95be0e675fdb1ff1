use std::time::Duration;

use op_agents::Settings;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{PATIENCE, serve, serve_with};

/// What a server saw of one connection.
#[derive(Debug, PartialEq)]
enum Seen {
    Request(String),
    Closed,
}

/// A server with a few pages; the address of it, and what it sees.
async fn server() -> (String, mpsc::UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(page(stream, tell.clone()));
        }
    });
    (address, seen)
}

async fn page(mut stream: TcpStream, tell: mpsc::UnboundedSender<Seen>) {
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let _ = tell.send(Seen::Request(request));
    let (status, header, body) = match path.as_str() {
        "/ok" => ("200 OK", "X-Page: ok", "hello".to_owned()),
        "/moved" => ("302 Found", "Location: /ok", String::new()),
        "/elsewhere" => ("302 Found", "Location: ftp://127.0.0.1/secret", String::new()),
        "/loop" => ("302 Found", "Location: /loop", String::new()),
        "/long" => ("200 OK", "X-Page: long", "x".repeat(3 * 1024 * 1024)),
        "/hang" => {
            while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
            let _ = tell.send(Seen::Closed);
            return;
        }
        _ => ("404 Not Found", "X-Page: none", "no such page".to_owned()),
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(reply.as_bytes()).await;
}

#[tokio::test]
async fn a_request_arrives_as_it_was_given_and_the_response_comes_back() {
    let (address, mut seen) = server().await;
    let tools = serve("tools").await;
    let arguments = json!({ "method": "POST", "url": format!("{address}/ok"), "headers": { "X-Who": "me" }, "body": "ping" });
    let value = tools.ask("http_request", arguments).await.value();
    assert_eq!(
        (&value["status"], &value["body"], &value["bytes"]),
        (&json!(200), &json!("hello"), &json!(5))
    );
    assert_eq!(value["headers"]["x-page"], "ok");
    let Some(Seen::Request(request)) = seen.recv().await else { panic!("no request") };
    assert!(request.starts_with("POST /ok HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("x-who: me\r\n"), "{request}");
}

#[tokio::test]
async fn a_status_that_is_no_success_is_a_completed_request() {
    let (address, _seen) = server().await;
    let tools = serve("tools").await;
    let value = tools.ask("http_request", json!({ "url": format!("{address}/none") })).await.value();
    assert_eq!((&value["status"], &value["body"]), (&json!(404), &json!("no such page")));
}

#[tokio::test]
async fn redirects_are_followed_but_neither_for_ever_nor_to_other_schemes() {
    let (address, _seen) = server().await;
    let tools = serve("tools").await;
    let value = tools.ask("http_request", json!({ "url": format!("{address}/moved") })).await.value();
    assert_eq!((&value["status"], &value["body"]), (&json!(200), &json!("hello")));
    for page in ["loop", "elsewhere"] {
        let answer = tools.ask("http_request", json!({ "url": format!("{address}/{page}") })).await;
        assert_eq!(answer.failed().0, "redirect_refused", "{page}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_failure() {
    let (address, _seen) = server().await;
    let tools = serve("tools").await;
    let answer = tools.ask("http_request", json!({ "url": format!("{address}/long") })).await;
    assert_eq!(answer.failed().0, "too_large");
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_no_more_than_the_time_limit() {
    let (address, mut seen) = server().await;
    let tools =
        serve_with("tools", Settings { time_limit: Duration::from_millis(300), ..Settings::default() }).await;
    let answer = tools.ask("http_request", json!({ "url": format!("{address}/hang") })).await;
    assert_eq!(answer.failed().0, "timed_out");
    while seen.recv().await != Some(Seen::Closed) {}
}

#[tokio::test]
async fn a_cancelled_request_is_cut_off_on_the_wire() {
    let (address, mut seen) = server().await;
    let tools = serve("tools").await;
    let events = tools.begin("http_request", json!({ "url": format!("{address}/hang") })).await;
    assert!(matches!(seen.recv().await, Some(Seen::Request(_))));
    drop(events);
    assert_eq!(tokio::time::timeout(PATIENCE, seen.recv()).await.unwrap(), Some(Seen::Closed));
}

#[tokio::test]
async fn nobody_listening_is_a_failure_and_another_scheme_is_rejected() {
    let tools = serve("tools").await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let answer = tools.ask("http_request", json!({ "url": format!("http://127.0.0.1:{port}/") })).await;
    assert_eq!(answer.failed().0, "connection_failed");
    let answer = tools.ask("http_request", json!({ "url": "file:///etc/passwd" })).await;
    assert_eq!(answer.rejected(), "invalid_request");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_believed() {
    let (address, _seen) = server().await;
    let tools = serve("tools").await;
    let url = format!("{}/ok", address.replace("http:", "https:"));
    assert_eq!(tools.ask("http_request", json!({ "url": url })).await.failed().0, "tls_failed");
}
