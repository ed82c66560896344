//! Asking the issuer, as the refresher wants it asked.

use http::header::ETAG;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use signet_verifier::refresher::{Fetch, Reply, Ticket};

/// A client that goes where it is sent and nowhere else: over TLS, since whoever changes a key set
/// on its way can make tokens; or, if the issuer runs on this machine, without leaving it.
pub(crate) fn client(is_local: bool) -> reqwest::Result<Client> {
    // Whoever installed a provider before has chosen; otherwise it is ring.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .user_agent(concat!("signet-tower/", env!("CARGO_PKG_VERSION")));
    match is_local {
        true => client.no_proxy(),
        false => client.https_only(true),
    }
    .build()
}

/// Fetches a document, whatever comes of it.
pub(crate) async fn fetch(client: Client, fetch: Fetch) -> (Ticket, Reply) {
    let whole = tokio::time::timeout(fetch.timeout, get(&client, &fetch));
    let reply = match whole.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            tracing::debug!(%error, url = fetch.url, "the issuer can't be asked");
            Reply::Failed
        }
        Err(_) => Reply::Failed,
    };
    (fetch.ticket, reply)
}

async fn get(client: &Client, fetch: &Fetch) -> reqwest::Result<Reply> {
    let mut request = client.get(&fetch.url);
    for (name, value) in fetch.headers() {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    let etag = response.headers().get(ETAG);
    let etag = etag.and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    Ok(match read(response, fetch.most_bytes).await? {
        Some(body) => Reply::Response { status, etag, body },
        None => Reply::TooLarge,
    })
}

/// The body, if it has at most so many bytes. Nothing beyond them is kept.
async fn read(mut response: Response, most: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if chunk.len() > most.saturating_sub(body.len()) {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
