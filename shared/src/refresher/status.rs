//! How it has gone so far, for metrics, readiness and logs.

use super::RefreshFault;
use crate::time::UnixMillis;

/// How it has gone so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// With the keys.
    pub keys: DocumentStatus,
    /// With the feed, if one is fetched. Whether the one in force is fresh, the gate says.
    pub feed: Option<DocumentStatus>,
}

/// How it has gone with one document.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DocumentStatus {
    /// How many fetches were handed out.
    pub fetches: u64,
    /// How many answers since the last good one made us back off. While there are any, wanting the
    /// document doesn't fetch it.
    pub failures: u32,
    /// When the last good answer came.
    pub last_success: Option<UnixMillis>,
    /// When and why the last answer was ignored, late ones aside.
    pub last_fault: Option<(UnixMillis, RefreshFault)>,
}
