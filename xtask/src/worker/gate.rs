//! A Worker with everything around it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::origin::Origin;
use super::runtime::{self, World};
use super::stub::Stub;
use super::{POLICY, first, wire};
use crate::process::{Background, Done, Failure};

/// A Worker between a stub of an issuer and an origin.
pub(super) struct Gate {
    pub(super) port: u16,
    pub(super) origin: Origin,
    pub(super) stub: Stub,
    _workerd: Background,
}

impl Gate {
    pub(super) fn start(folder: &Path, built: &Path) -> Done<Self> {
        Self::start_beside(Stub::start(folder)?, folder, built)
    }

    pub(super) fn start_beside(stub: Stub, folder: &Path, built: &Path) -> Done<Self> {
        let origin = Origin::start()?;
        let policy = runtime::compiled(folder, POLICY)?;
        let world = World {
            policy: &policy,
            leeway: 30,
            issuer_url: &stub.url(),
            origin: runtime::Origin::Url(origin.address),
        };
        let (workerd, ports) = runtime::start(folder, built, &[world], stub.clock())?;
        Ok(Self {
            port: first(&ports)?,
            origin,
            stub,
            _workerd: workerd,
        })
    }

    pub(super) fn status(&self, target: &str, bearer: &str) -> Done<u16> {
        Ok(wire::get(self.port, target, &[bearer])?.status)
    }

    /// The status of a request whose rule requires a fresh feed, and the code of its refusal.
    pub(super) fn rotate(&self, bearer: &str) -> Done<(u16, String)> {
        let head = wire::head("POST", "/v1/keys/rotate", &[bearer, "Content-Length: 0"]);
        let response = wire::exchange(self.port, &head)?;
        Ok((response.status, response.code()))
    }

    /// Asks until the answer is that, for a while.
    pub(super) fn becomes(&self, expected: u16, what: &str, ask: impl Fn() -> Done<u16>) -> Done {
        let started = Instant::now();
        loop {
            let status = ask()?;
            if status == expected {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(8) {
                return Err(Failure::new(format!("{what}: still {status}")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
