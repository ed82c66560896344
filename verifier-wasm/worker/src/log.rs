//! What is told of the issuer: what changes, and not every five seconds that it hasn't.

use signet_verifier::keyset::LeftOutKey;
use signet_verifier::refresher::{Document, RefreshFault, Refreshed};
use worker::{console_error, console_log, console_warn};

/// What was told last.
#[derive(Debug, Default)]
pub(crate) struct Log {
    keys: Option<RefreshFault>,
    feed: Option<RefreshFault>,
    left_out: Vec<LeftOutKey>,
}

impl Log {
    pub(crate) fn write(
        &mut self,
        document: Document,
        refreshed: &Result<Refreshed, RefreshFault>,
    ) {
        let last = match document {
            Document::Keys => &mut self.keys,
            Document::Feed => &mut self.feed,
        };
        let before = std::mem::replace(last, refreshed.as_ref().err().copied());
        match refreshed {
            Ok(_) if before.is_some() => console_log!("signet: the issuer's {document} came again"),
            Ok(_) => {}
            Err(fault) if fault.is_alarm() => {
                console_error!("signet: the issuer publishes a private key: {fault}");
            }
            Err(fault) if before == Some(*fault) => {}
            Err(RefreshFault::Status(404)) if document == Document::Feed => {
                console_log!("signet: the issuer has no revocation feed");
            }
            Err(fault) => {
                console_warn!(
                    "signet: {document}: {fault} ({}); kept what there is",
                    fault.code()
                );
            }
        }
        if let Ok(Refreshed::Keys { left_out }) = refreshed {
            self.write_left_out(left_out);
        }
    }

    fn write_left_out(&mut self, left_out: &[LeftOutKey]) {
        if self.left_out != left_out {
            for key in left_out {
                console_warn!("signet: a key of the issuer can't be used: {key}");
            }
            self.left_out = left_out.to_vec();
        }
    }
}
