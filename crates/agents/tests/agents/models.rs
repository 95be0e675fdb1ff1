use std::path::PathBuf;
use std::time::Duration;

use op_agents::{ModelSettings, Settings};
use op_proto::agent::v1::outcome;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{Answer, PATIENCE, Served, serve, serve_with};

/// No credential of anybody's.
const KEY: &str = "key-of-this-test-0123456789";

/// What an endpoint does with each request.
#[derive(Clone)]
enum Reply {
    /// It answers with a status and a body.
    With(&'static str, String),
    /// It never answers.
    Silence,
}

/// What an endpoint saw of one connection.
#[derive(Debug, PartialEq)]
enum Seen {
    Request { head: String, body: Value },
    Closed,
}

/// An agent whose model is behind an endpoint, and what that sees.
struct Modelled {
    agent: Served,
    seen: mpsc::UnboundedReceiver<Seen>,
    _key: tempfile::TempDir,
}

async fn modelled(reply: Reply) -> Modelled {
    modelled_within(reply, PATIENCE).await
}

async fn modelled_within(reply: Reply, timeout: Duration) -> Modelled {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap());
    let (tell, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(endpoint(stream, tell.clone(), reply.clone()));
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let models = ModelSettings { url, model: "small".to_owned(), key: Some(key), timeout };
    let agent = serve_with("models", Settings { models: Some(models), ..Settings::default() }).await;
    Modelled { agent, seen, _key: directory }
}

async fn endpoint(mut stream: TcpStream, tell: mpsc::UnboundedSender<Seen>, reply: Reply) {
    let request = request(&mut stream).await;
    let _ = tell.send(request);
    match reply {
        Reply::With(status, body) => {
            let head = format!("HTTP/1.1 {status}\r\nRetry-After: 7\r\nContent-Length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await;
        }
        Reply::Silence => {
            while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
            let _ = tell.send(Seen::Closed);
        }
    }
}

async fn request(stream: &mut TcpStream) -> Seen {
    let mut text = String::new();
    loop {
        let mut piece = vec![0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        text += std::str::from_utf8(&piece[..length]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(body) = serde_json::from_str(body) {
            return Seen::Request { head: head.to_owned(), body };
        }
        assert!(length > 0, "the request ended early: {text}");
    }
}

fn chat(text: &str) -> Reply {
    let reply = json!({
        "model": "small-1", "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2 },
    });
    Reply::With("200 OK", reply.to_string())
}

fn shown(answer: &Answer) -> String {
    format!("{:?} {}", answer.outcome, answer.text())
}

#[tokio::test]
async fn a_role_is_played_by_the_model_of_the_settings() {
    let mut model = modelled(chat("done")).await;
    let arguments = json!({
        "role": { "name": "coder", "prompt": "You code.", "temperature": 0.2, "tools": [] },
        "task": { "name": "build" }, "goal": "a site", "input": { "pages": 1 },
    });
    let value = model.agent.ask("respond", arguments).await.value();
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 2 });
    assert_eq!(value, json!({ "text": "done", "model": "small-1", "usage": usage }));
    let Some(Seen::Request { head, body }) = model.seen.recv().await else { panic!("no request") };
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains(&format!("authorization: bearer {KEY}")), "{head}");
    assert_eq!((&body["model"], &body["temperature"]), (&json!("small"), &json!(0.2)));
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "You code." }));
    let user = body["messages"][1]["content"].as_str().unwrap();
    assert_eq!(user, "Task: build\n\ngoal:\na site\n\ninput:\n{\n  \"pages\": 1\n}");
}

#[tokio::test]
async fn an_object_that_is_asked_for_is_the_value_and_anything_else_a_failure() {
    let object = modelled(chat("```json\n{\"approved\": false}\n```")).await;
    let arguments = json!({ "prompt": "Review.", "output": "json" });
    assert_eq!(object.agent.ask("respond", arguments.clone()).await.value(), json!({ "approved": false }));
    let prose = modelled(chat("I approve.")).await;
    let answer = prose.agent.ask("respond", arguments).await;
    assert_eq!(answer.failed(), ("not_json", json!({ "text": "I approve." })));
}

#[tokio::test]
async fn without_a_model_the_setting_is_named_and_nothing_is_retried() {
    let agent = serve("models").await;
    let answer = agent.ask("respond", json!({ "prompt": "x" })).await;
    let outcome::Kind::Rejected(rejected) = answer.outcome else { panic!("{answer:?}") };
    assert_eq!((rejected.reason.as_str(), rejected.message.as_str()), ("no_model", "no model is configured"));
    for part in ["`url`", "`model`", "`[models]`", "`op-dbusd.toml`", "`--cast offline`"] {
        assert!(rejected.hint.contains(part), "{part}: {}", rejected.hint);
    }
}

#[tokio::test]
async fn what_a_setting_must_change_is_rejected_and_what_may_pass_has_failed() {
    let said = format!("{{\"error\": {{\"message\": \"not with {KEY}\"}}}}");
    for (status, reason, is_rejected) in [
        ("401 Unauthorized", "unauthorized", true),
        ("404 Not Found", "request_refused", true),
        ("307 Temporary Redirect", "request_refused", true),
        ("429 Too Many Requests", "rate_limited", false),
        ("500 Internal Server Error", "model_failed", false),
        ("200 OK", "no_answer", false),
    ] {
        let model = modelled(Reply::With(status, said.clone())).await;
        let answer = model.agent.ask("respond", json!({ "prompt": "x" })).await;
        let found = if is_rejected { answer.rejected() } else { answer.failed().0 };
        assert_eq!(found, reason, "{status}");
        assert!(!shown(&answer).contains(KEY), "{status}: {}", shown(&answer));
    }
}

#[tokio::test]
async fn garbage_is_no_answer() {
    let model = modelled(Reply::With("200 OK", "<html>hello</html>".to_owned())).await;
    let answer = model.agent.ask("respond", json!({ "prompt": "x" })).await;
    assert_eq!(answer.failed(), ("invalid_response", json!({ "status": 200, "body": "<html>hello</html>" })));
}

#[tokio::test]
async fn a_key_that_comes_back_is_not_handed_on() {
    let model = modelled(chat(&format!("your key is {KEY}"))).await;
    let value = model.agent.ask("respond", json!({ "prompt": "x" })).await.value();
    assert_eq!(value["text"], "your key is [secret]");
}

#[tokio::test]
async fn a_slow_model_costs_no_more_than_its_time() {
    let mut model = modelled_within(Reply::Silence, Duration::from_millis(300)).await;
    let answer = model.agent.ask("respond", json!({ "prompt": "x" })).await;
    assert_eq!(answer.failed().0, "timed_out");
    while model.seen.recv().await != Some(Seen::Closed) {}
}

#[tokio::test]
async fn a_cancelled_answer_is_cut_off_on_the_wire() {
    let mut model = modelled(Reply::Silence).await;
    let events = model.agent.begin("respond", json!({ "prompt": "x" })).await;
    assert!(matches!(model.seen.recv().await, Some(Seen::Request { .. })));
    drop(events);
    assert_eq!(tokio::time::timeout(PATIENCE, model.seen.recv()).await.unwrap(), Some(Seen::Closed));
}

#[tokio::test]
async fn a_key_that_is_not_there_and_an_endpoint_that_is_not_are_named() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let ask = async |key: Option<&str>| {
        let (url, key) = (format!("http://127.0.0.1:{port}/v1"), key.map(PathBuf::from));
        let models = ModelSettings { url, model: "small".to_owned(), key, timeout: PATIENCE };
        let agent = serve_with("models", Settings { models: Some(models), ..Settings::default() }).await;
        agent.ask("respond", json!({ "prompt": "x" })).await
    };
    assert_eq!(ask(Some("/no/such/key")).await.rejected(), "no_key");
    assert_eq!(ask(None).await.failed().0, "connection_failed");
}
