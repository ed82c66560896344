//! A client over real connections. Everything it is answered is held against the contract.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::contract;

/// Somebody who talks to a service, with the tokens of their session once they have one.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    host: String,
    pub(crate) access_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
    always: Vec<(String, String)>,
}

/// A request on its way.
#[must_use = "a request does nothing before it is sent"]
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, host: &str) -> Self {
        Self {
            address,
            host: host.to_owned(),
            access_token: None,
            refresh_token: None,
            always: Vec::new(),
        }
    }

    /// The client with a header in every request.
    pub(crate) fn always(mut self, name: &str, value: &str) -> Self {
        self.always.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The client with another `Host`.
    pub(crate) fn asking_for(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// A request with this client's access token.
    pub(crate) fn call(&self, method: Method, target: &str) -> Call<'_> {
        let token = self.access_token.iter();
        let bearer = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        Call {
            client: self,
            method,
            target: target.to_owned(),
            headers: self.always.iter().cloned().chain(bearer).collect(),
            body: Bytes::new(),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.call(Method::GET, target).send().await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.call(Method::DELETE, target).send().await
    }

    pub(crate) async fn post(&self, target: &str, body: Value) -> Answer {
        self.call(Method::POST, target).json(&body).send().await
    }

    pub(crate) async fn put(&self, target: &str, body: Value) -> Answer {
        self.call(Method::PUT, target).json(&body).send().await
    }

    pub(crate) async fn patch(&self, target: &str, body: Value) -> Answer {
        self.call(Method::PATCH, target).json(&body).send().await
    }

    /// Logs in and keeps the tokens.
    pub(crate) async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        let answer = self.post("/v1/login", body).await.expect(StatusCode::OK);
        self.keep(&answer);
        answer
    }

    /// Refreshes and keeps the tokens.
    pub(crate) async fn refresh(&mut self) -> Answer {
        let body = json!({ "refresh_token": self.refresh_token.clone().unwrap() });
        let answer = self.post("/v1/token/refresh", body).await;
        if answer.status == StatusCode::OK {
            self.keep(&answer);
        }
        answer
    }

    /// Keeps the tokens of a session answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        self.access_token = Some(answer.string("access_token"));
        self.refresh_token = Some(answer.string("refresh_token"));
    }
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    /// A body that says of itself that it is JSON.
    pub(crate) fn text(self, body: &str) -> Self {
        self.bytes("application/json", body.as_bytes())
    }

    /// What a page's form sends.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        self.bytes("application/x-www-form-urlencoded", body.as_bytes())
    }

    pub(crate) fn bytes(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Bytes::copy_from_slice(body);
        self.header("content-type", content_type)
    }

    /// Sends it, and checks what comes back.
    pub(crate) async fn send(self) -> Answer {
        let (method, target) = (self.method.clone(), self.target.clone());
        let answer = self.send_unchecked().await;
        contract::check(&method, &target, &answer);
        answer
    }

    /// Sends it, whatever comes back.
    pub(crate) async fn send_unchecked(self) -> Answer {
        let stream = TcpStream::connect(self.client.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(self.method).uri(self.target);
        if !self.client.host.is_empty() {
            request = request.header("host", &self.client.host);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The answer, if it is the problem of this code.
    #[track_caller]
    pub(crate) fn expect_problem(self, code: &str) -> Self {
        assert!(
            !self.status.is_success(),
            "{} instead of {code}",
            self.status
        );
        assert_eq!(self.json()["code"], code, "{}", self.text());
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()))
    }

    pub(crate) fn string(&self, member: &str) -> String {
        let document = self.json();
        let text = document[member].as_str();
        text.unwrap_or_else(|| panic!("no {member}: {document}"))
            .to_owned()
    }

    /// What a problem says is wrong: `(field, code)`.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let document = self.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| (text(&error["field"]), text(&error["code"])))
            .collect()
    }

    /// A header that stands there once, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands there twice");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
