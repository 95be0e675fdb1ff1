//! One request to the endpoint of a model.
//!
//! | the endpoint | failure | reason |
//! | --- | --- | --- |
//! | 401, 403 | rejected | `unauthorized` |
//! | 408, 429 | failed | `rate_limited` |
//! | any other 3xx or 4xx | rejected | `request_refused` |
//! | 5xx | failed | `model_failed` |
//! | 2xx, and no JSON | failed | `invalid_response` |
//! | no answer in time, no connection | failed | `timed_out`, `connection_failed` |
//!
//! What is rejected will be so again until somebody changes a setting; what failed may be tried again.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use op_agent::{Call, Failure};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response, StatusCode};

use crate::exchange;
use crate::settings::ModelSettings;
use crate::tools::Desk;

/// What stands where the key stood.
const MASK: &str = "[secret]";

/// How many letters of a refusal are shown.
const SHOWN: usize = 2000;

/// Largest key, in bytes; systemd's limit for credentials is larger, and no provider's key comes near this.
const LONGEST_KEY: u64 = 64 * 1024;

/// Sends a request, and returns the JSON that is answered.
pub(super) async fn post(
    desk: &Desk,
    call: &Call,
    model: &ModelSettings,
    body: &Value,
) -> Result<Value, Failure> {
    let model = model.clone();
    let body = body.to_string();
    let agent = agent(exchange::time_limit(model.timeout, call));
    let limit = desk.settings.output_limit;
    exchange::ask(agent, call, "the request to the model", move |agent| answer(agent, &model, body, limit))
        .await
}

/// An agent for one request. It follows no redirect: the key is for the address in the settings.
fn agent(time_limit: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(time_limit))
        .user_agent(concat!("op-dbus/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

fn answer(agent: &Agent, model: &ModelSettings, body: String, limit: u64) -> Result<Value, Failure> {
    let key = model.key.as_deref().map(key).transpose()?;
    let request = request(model, key.as_deref(), body)?;
    let sent = agent.run(request).map_err(|error| unreached(&error))?;
    let (head, body) = Response::into_parts(sent);
    let bytes = exchange::read(body, limit, "the answer of the endpoint", unreached)?;
    let text = masked(&String::from_utf8_lossy(&bytes), key.as_deref());
    if !head.status.is_success() {
        return Err(refused(head.status, &head.headers, &text));
    }
    serde_json::from_str(&text).map_err(|error| {
        Failure::failed("invalid_response", format!("the endpoint did not answer with JSON: {error}"))
            .hint("check that `url` under `[models]` in `op-dbusd.toml` is that of an OpenAI-compatible API, usually ending in `/v1`")
            .detail(json!({ "status": head.status.as_u16(), "body": beginning(&text) }))
    })
}

/// The key in a file.
fn key(path: &Path) -> Result<String, Failure> {
    let refused = |why: String| {
        Failure::rejected(
            "no_key",
            format!("the key of the model cannot be read from {}: {why}", path.display()),
        )
        .hint("`key` under `[models]` in `op-dbusd.toml` names the credential")
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    file.take(LONGEST_KEY).read_to_string(&mut text).map_err(|error| refused(error.to_string()))?;
    let key = text.trim();
    // A key with a line break or the like in it would be quoted by the error of whoever writes the header.
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("it is not one line of printable letters".to_owned()));
    }
    Ok(key.to_owned())
}

fn request(model: &ModelSettings, key: Option<&str>, body: String) -> Result<Request<String>, Failure> {
    let url = format!("{}/chat/completions", model.url.trim_end_matches('/'));
    let mut request = Request::post(&url).header("Content-Type", "application/json");
    if let Some(key) = key {
        request = request.header("Authorization", format!("Bearer {key}"));
    }
    let refused = || {
        Failure::rejected("invalid_url", "the address of the model is no http or https address")
            .hint("correct `url` under `[models]` in `op-dbusd.toml`")
    };
    let request = request.body(body).map_err(|_| refused())?;
    match (request.uri().scheme_str(), request.uri().host()) {
        (Some("http" | "https"), Some(_)) => Ok(request),
        _ => Err(refused()),
    }
}

fn masked(text: &str, key: Option<&str>) -> String {
    key.map_or_else(|| text.to_owned(), |key| text.replace(key, MASK))
}

fn beginning(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &str) -> Failure {
    let said = serde_json::from_str::<Value>(body).ok();
    let said = said.as_ref().and_then(|body| body["error"]["message"].as_str().or(body["error"].as_str()));
    let said = said.map(|said| format!(": {}", beginning(said))).unwrap_or_default();
    let detail = json!({ "status": status.as_u16(), "body": beginning(body) });
    let message = format!("the endpoint of the model answered {}{said}", status.as_u16());
    let failure = match status.as_u16() {
        401 | 403 => {
            Failure::rejected("unauthorized", message).hint("check `key` under `[models]` in `op-dbusd.toml`")
        }
        408 | 429 => Failure::failed("rate_limited", message).hint(wait(headers)),
        500.. => Failure::failed("model_failed", message),
        _ => Failure::rejected("request_refused", message).hint(
            "check `url` and `model` under `[models]` in `op-dbusd.toml`, and the settings of the role",
        ),
    };
    failure.detail(detail)
}

fn wait(headers: &HeaderMap) -> String {
    let after = headers.get("retry-after").and_then(|value| value.to_str().ok());
    let after = after.map(|after| format!("; it asks to wait {after} s")).unwrap_or_default();
    format!("the endpoint takes no more requests now: retry later{after}")
}

fn unreached(error: &ureq::Error) -> Failure {
    let hint = "see that something listens where `url` under `[models]` in `op-dbusd.toml` says";
    let message = format!("asking the model: {error}");
    match error {
        ureq::Error::Timeout(_) => Failure::failed("timed_out", message)
            .hint("raise `timeout` under `[models]` in `op-dbusd.toml`, or the time of the step"),
        ureq::Error::HostNotFound => Failure::failed("host_not_found", message).hint(hint),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => Failure::failed("tls_failed", message).hint(hint),
        _ => Failure::failed("connection_failed", message).hint(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> ModelSettings {
        ModelSettings {
            url: url.to_owned(),
            model: "m".to_owned(),
            key: None,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn only_http_addresses_are_asked() {
        let asked = |url: &str| request(&settings(url), None, String::new());
        assert_eq!(
            asked("https://example.org/v1/").unwrap().uri(),
            "https://example.org/v1/chat/completions"
        );
        for url in ["file:///etc", "", "example.org", "http://a b"] {
            assert_eq!(asked(url).unwrap_err().reason(), "invalid_url", "{url}");
        }
    }

    #[test]
    fn a_key_is_one_line_of_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "sk-1\n").unwrap();
        assert_eq!(key(&path).unwrap(), "sk-1");
        std::fs::write(&path, "sk-1\nsk-2").unwrap();
        let failure = key(&path).unwrap_err();
        assert_eq!(failure.reason(), "no_key");
        assert!(!failure.to_string().contains("sk-"));
        assert_eq!(key(&directory.path().join("none")).unwrap_err().reason(), "no_key");
    }

    #[test]
    fn statuses_are_kept_apart() {
        for (status, reason) in [
            (401, "unauthorized"),
            (403, "unauthorized"),
            (429, "rate_limited"),
            (302, "request_refused"),
            (404, "request_refused"),
            (500, "model_failed"),
            (503, "model_failed"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refused(status, &HeaderMap::new(), r#"{"error":{"message":"no such model"}}"#);
            assert_eq!(failure.reason(), reason);
            assert!(failure.message().contains("no such model"));
        }
    }
}
