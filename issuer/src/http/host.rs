//! The names the issuer answers to: its public URL's and, in local mode, those of the loopback
//! listener. Whoever asks for another one was led here by mistake or on purpose (DNS rebinding,
//! poisoned links), and is told 421.

use http::request::Parts;
use http::uri::Authority;
use url::Url;

use super::problem::{Code, Problem};

/// The authorities that requests may be for, in lower case, without the scheme's own port.
#[derive(Clone, Debug)]
pub(super) struct AllowedHosts {
    allowed: Vec<String>,
    default_port: u16,
}

impl AllowedHosts {
    /// The host of `public_url`, and the loopback names with `local_port`.
    pub(super) fn new(public_url: &Url, local_port: Option<u16>) -> Self {
        let default_port = if public_url.scheme() == "https" {
            443
        } else {
            80
        };
        let public = public_url.host_str().map(|host| {
            let port = public_url.port_or_known_default().unwrap_or(default_port);
            authority(host, port, default_port)
        });
        let local = local_port.into_iter().flat_map(|port| {
            ["localhost", "127.0.0.1", "[::1]"].map(|host| authority(host, port, default_port))
        });
        Self {
            allowed: public.into_iter().chain(local).collect(),
            default_port,
        }
    }

    /// Whether a request is for this service.
    ///
    /// # Errors
    /// `invalid_request` where it doesn't say in one way for whom it is (RFC 9112, 3.2),
    /// `misdirected_request` where it is for someone else.
    pub(super) fn check(&self, request: &Parts) -> Result<(), Problem> {
        let mut headers = request.headers.get_all(http::header::HOST).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(Problem::from(Code::InvalidRequest).because("Send one Host header."));
        }
        let header = header.map(|value| value.to_str().unwrap_or_default());
        let target = request.uri.authority().map(Authority::as_str);
        let (Some(host), other) = (target.or(header), header) else {
            return Err(Problem::from(Code::InvalidRequest).because("Send a Host header."));
        };
        if self.allows(host) && other.is_none_or(|other| self.allows(other)) {
            Ok(())
        } else {
            Err(Code::MisdirectedRequest.into())
        }
    }

    fn allows(&self, host: &str) -> bool {
        // The common case is the exact text; only then the spellings with case and default port.
        self.allowed.iter().any(|allowed| allowed == host)
            || host.parse::<Authority>().is_ok_and(|parsed| {
                let plain = !host.contains('@');
                let port = parsed.port_u16().unwrap_or(self.default_port);
                let canonical = authority(parsed.host(), port, self.default_port);
                plain && self.allowed.contains(&canonical)
            })
    }
}

fn authority(host: &str, port: u16, default_port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == default_port {
        host
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(hosts: &AllowedHosts, uri: &str, headers: &[&str]) -> Option<Code> {
        let mut request = Request::builder().uri(uri);
        for host in headers {
            request = request.header("host", *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        hosts.check(&parts).err().map(|problem| problem.code())
    }

    #[test]
    fn only_the_public_host_is_served() {
        let hosts = AllowedHosts::new(&"https://auth.example.com".parse().unwrap(), None);
        for host in [
            "auth.example.com",
            "AUTH.example.com",
            "auth.example.com:443",
        ] {
            assert_eq!(check(&hosts, "/", &[host]), None, "{host}");
        }
        for host in [
            "example.com",
            "auth.example.com.evil.test",
            "auth.example.com:8443",
            "auth.example.com:80",
            "user@auth.example.com",
            "auth.example.com.",
            "127.0.0.1",
            "localhost:8080",
            "",
            "auth.example.com/x",
            "auth.example.com, evil.test",
        ] {
            let refused = Some(Code::MisdirectedRequest);
            assert_eq!(check(&hosts, "/", &[host]), refused, "{host}");
        }
    }

    #[test]
    fn local_mode_answers_to_every_loopback_name_with_its_port() {
        let hosts = AllowedHosts::new(&"http://127.0.0.1:8080".parse().unwrap(), Some(8080));
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert_eq!(check(&hosts, "/", &[host]), None, "{host}");
        }
        for host in ["127.0.0.1", "localhost:8081", "rebind.test:8080"] {
            let refused = Some(Code::MisdirectedRequest);
            assert_eq!(check(&hosts, "/", &[host]), refused, "{host}");
        }
    }

    #[test]
    fn target_and_header_must_both_be_for_us() {
        let hosts = AllowedHosts::new(&"https://auth.example.com".parse().unwrap(), None);
        let own = "https://auth.example.com/v1/me";
        assert_eq!(check(&hosts, own, &["auth.example.com"]), None);
        assert_eq!(check(&hosts, own, &[]), None);
        let refused = Some(Code::MisdirectedRequest);
        assert_eq!(check(&hosts, own, &["evil.test"]), refused);
        let foreign = "https://evil.test/v1/me";
        assert_eq!(check(&hosts, foreign, &["auth.example.com"]), refused);
        let unreadable = Some(Code::InvalidRequest);
        assert_eq!(check(&hosts, "/", &[]), unreadable);
        let twice = ["auth.example.com", "auth.example.com"];
        assert_eq!(check(&hosts, "/", &twice), unreadable);
    }
}
