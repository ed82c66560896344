//! A key set from where the command line says: a file, or the issuer's own URL.

use std::path::Path;
use std::time::Duration;

use signet_verifier::KeySet;

use super::complain;

/// The largest key set that is fetched, in bytes.
const LARGEST: usize = 65_536;
/// How long a key set may take to come.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads a key set from a file or a URL, and tells which keys can't be used.
pub(super) async fn read(source: &str) -> Result<KeySet, String> {
    let is_url = source.starts_with("https://") || source.starts_with("http://");
    if !is_url {
        return read_file(Path::new(source));
    }
    load(source, fetch(source).await)
}

/// Reads a key set from a file, and tells which keys can't be used.
pub(super) fn read_file(path: &Path) -> Result<KeySet, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string());
    load(&path.display().to_string(), text)
}

fn load(source: &str, text: Result<Vec<u8>, String>) -> Result<KeySet, String> {
    let unusable = |reason: String| format!("no key set at {source}: {reason}");
    let text = text.map_err(unusable)?;
    let loaded = KeySet::from_jwks(&text).map_err(|error| unusable(error.to_string()))?;
    for left_out in &loaded.left_out {
        complain(&format_args!("left out {left_out}"));
    }
    Ok(loaded.key_set)
}

async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    // Whoever installed a provider before has chosen; otherwise it is ring.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(FETCH_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let mut response = client
        .get(url)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("the answer was {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err("the answer is over 64 KiB".to_owned());
        }
    }
    Ok(body)
}
