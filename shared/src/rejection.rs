//! Why a token is refused: a closed list, for logs and metrics. Clients see one answer for all.

macro_rules! rejections {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why a token is refused.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Rejection {
            $($(#[$doc])* $variant,)*
        }

        impl Rejection {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code in logs, metrics and test vectors.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

rejections! {
    /// The token, its header or its payload is longer than any of ours.
    TooLarge = "too_large",
    /// Not three segments joined by dots, or something before or behind them.
    Malformed = "malformed",
    /// The signature isn't 86 characters, which are 64 bytes.
    BadSignatureLength = "bad_signature_len",
    /// A segment isn't base64url, or not the one spelling of its bytes.
    BadBase64 = "bad_base64",
    /// The header isn't a JSON object within its limits.
    BadHeader = "bad_header",
    /// A JSON object names a member twice.
    DuplicateMember = "dup_member",
    /// The header demands an extension.
    CritUnsupported = "crit_unsupported",
    /// The header has a member other than `alg`, `kid` and `typ`.
    UnknownHeader = "unknown_header",
    /// The algorithm isn't Ed25519.
    BadAlgorithm = "bad_alg",
    /// The type isn't what is asked for.
    BadType = "bad_typ",
    /// The header names no key.
    NoKid = "no_kid",
    /// The header's `kid` can't be one.
    BadKid = "bad_kid",
    /// No key of the set has this `kid`.
    UnknownKid = "unknown_kid",
    /// The key didn't sign this.
    BadSignature = "bad_signature",
    /// The payload isn't a JSON object within its limits, or a claim has a wrong type or value.
    BadClaims = "bad_claims",
    /// A required claim is absent.
    ClaimMissing = "claim_missing",
    /// It comes from another issuer.
    BadIssuer = "bad_issuer",
    /// It is for another audience.
    BadAudience = "bad_audience",
    /// Its time is over.
    Expired = "expired",
    /// Its time has not come.
    NotYetValid = "not_yet_valid",
    /// It claims to come from the future.
    IssuedInFuture = "issued_in_future",
    /// It lives longer than it may.
    Lifetime = "lifetime",
    /// Its session, its account's version or its key was revoked.
    Revoked = "revoked",
}

impl core::fmt::Display for Rejection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for Rejection {}
