//! `http_request`: one request, and the response to it, whatever its status.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};

use super::Desk;
use crate::exchange;

/// How many redirects are followed. Browsers follow 20; a service that needs more than this has a loop.
const REDIRECTS: u32 = 10;

/// What to ask whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpRequest {
    /// The method, such as `GET`.
    #[serde(default = "get")]
    method: String,
    /// The address: `http` or `https`.
    url: String,
    /// Headers by name.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as text; none by default.
    body: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// A response.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct HttpResponse {
    /// Its status, such as 200 or 404.
    status: u16,
    /// Its headers; values of the same name are joined by a comma.
    headers: BTreeMap<String, String>,
    /// Its body as text.
    body: String,
    /// The length of the body.
    bytes: u64,
}

/// Sends a request.
pub(super) async fn http_request(
    desk: Arc<Desk>,
    call: Call,
    args: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let request = request(args)?;
    let time_limit = exchange::time_limit(desk.settings.time_limit, &call);
    let agent = agent(time_limit, request.uri().scheme_str() == Some("https"));
    let limit = desk.settings.output_limit;
    exchange::ask(agent, &call, "the request", move |agent| receive(agent, request, limit)).await
}

/// An agent for one request. Whoever asks in secret is not redirected into the open.
fn agent(time_limit: Duration, secret: bool) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(REDIRECTS)
        .https_only(secret)
        .timeout_global(Some(time_limit))
        .user_agent(concat!("op-dbus/", env!("CARGO_PKG_VERSION")))
        .allow_non_standard_methods(true)
        .build()
        .new_agent()
}

fn request(args: HttpRequest) -> Result<Request<Vec<u8>>, Failure> {
    let rejected = |error: ureq::http::Error| Failure::rejected("invalid_request", error.to_string());
    let mut request = Request::builder().method(args.method.as_str()).uri(&args.url);
    for (name, value) in &args.headers {
        request = request.header(name, value);
    }
    let request = request.body(args.body.unwrap_or_default().into_bytes()).map_err(rejected)?;
    match (request.uri().scheme_str(), request.uri().host()) {
        (Some("http" | "https"), Some(_)) => Ok(request),
        _ => Err(Failure::rejected(
            "invalid_request",
            format!("`{}` is not an http or https address", args.url),
        )),
    }
}

fn receive(agent: &Agent, request: Request<Vec<u8>>, limit: u64) -> Result<HttpResponse, Failure> {
    let sent = if request.body().is_empty() { agent.run(request.map(|_| ())) } else { agent.run(request) };
    let (head, body) = sent.map_err(|error| failure(&error)).map(Response::into_parts)?;
    let text = exchange::read(body, limit, "the body of the response", failure)?;
    let bytes = text.len() as u64;
    match String::from_utf8(text) {
        Ok(body) => {
            Ok(HttpResponse { status: head.status.as_u16(), headers: headers(&head.headers), body, bytes })
        }
        Err(_) => {
            Err(Failure::failed("not_text", "the body of the response is not UTF-8 text").detail(json!({
                "status": head.status.as_u16(), "headers": headers(&head.headers), "bytes": bytes,
            })))
        }
    }
}

fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.to_string())
            .and_modify(|all| *all = format!("{all}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    headers
}

fn failure(error: &ureq::Error) -> Failure {
    let message = error.to_string();
    match error {
        ureq::Error::Http(_) => Failure::rejected("invalid_request", message),
        ureq::Error::RequireHttpsOnly(_) => Failure::failed("redirect_refused", message).hint(
            "the server redirects from https to http; ask for the http address if that is what you want",
        ),
        // The address of the request itself is checked by now: a wrong one is where it is redirected to.
        ureq::Error::BadUri(_) | ureq::Error::RedirectFailed | ureq::Error::TooManyRedirects => {
            Failure::failed("redirect_refused", message)
        }
        ureq::Error::Timeout(_) => Failure::failed("timed_out", message),
        ureq::Error::HostNotFound => Failure::failed("host_not_found", message),
        // What a peer says in a handshake and rustls does not accept comes as this kind of error.
        ureq::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            Failure::failed("tls_failed", message)
        }
        ureq::Error::ConnectionFailed | ureq::Error::Io(_) => Failure::failed("connection_failed", message),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => Failure::failed("tls_failed", message),
        _ => Failure::failed("http_failed", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str, method: &str, headers: &[(&str, &str)]) -> Result<Request<Vec<u8>>, Failure> {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        request(HttpRequest { method: method.into(), url: url.into(), headers, body: None })
    }

    #[test]
    fn only_http_addresses_are_asked() {
        assert!(asked("https://example.org/x?y=1", "GET", &[]).is_ok());
        for url in ["file:///etc/passwd", "ftp://example.org/", "example.org", "", "http://a b/"] {
            assert_eq!(asked(url, "GET", &[]).unwrap_err().reason(), "invalid_request", "{url}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_a_second_one() {
        let failure = asked("http://example.org/", "GET", &[("X-A", "1\r\nX-B: 2")]).unwrap_err();
        assert_eq!(failure.reason(), "invalid_request");
        assert_eq!(asked("http://example.org/", "GE T", &[]).unwrap_err().reason(), "invalid_request");
    }

    #[test]
    fn headers_of_the_same_name_are_joined() {
        let mut map = HeaderMap::new();
        map.append("vary", "a".parse().unwrap());
        map.append("vary", "b".parse().unwrap());
        assert_eq!(headers(&map), BTreeMap::from([("vary".to_owned(), "a, b".to_owned())]));
    }
}
