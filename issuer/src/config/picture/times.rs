//! Every number on the picture, taken from the part of the program that goes by it.

use signet_core::feed;
use signet_core::issuer::Settings;
use signet_core::signing::access_token;
use signet_core::signing::life::KeyTimes;
use signet_verifier::refresher::config::{self, MAX_STALE};

use super::length::Length;
use crate::http::{FEED_KEPT, JWKS_KEPT};

/// How long things last, and how far verifiers may be behind.
#[derive(Debug)]
pub(super) struct Times {
    /// The shortest and the longest life of an access token.
    pub(super) access: [Length; 2],
    /// For how long a used refresh token is answered once more.
    pub(super) grace: Length,
    /// How long a session lives without a refresh.
    pub(super) idle: Length,
    /// How long it lives at all.
    pub(super) absolute: Length,
    /// How long the feed names what is revoked.
    pub(super) in_feed: Length,
    /// The shortest and the longest time between two looks of a verifier at the feed.
    pub(super) feed_read: [Length; 2],
    /// For how long a cache may keep the feed.
    pub(super) feed_kept: Length,
    /// For how long a feed is fresh.
    pub(super) feed_fresh: Length,
    /// The life of a signing key.
    pub(super) keys: KeyLife,
    /// The shortest and the longest time between two looks of a verifier at the key set.
    pub(super) keys_read: [Length; 2],
    /// For how long a cache may keep the key set.
    pub(super) keys_kept: Length,
    /// For how long a verifier uses keys when it can't have newer ones.
    pub(super) keys_stale: Length,
}

/// How long a signing key is what.
#[derive(Debug)]
pub(super) struct KeyLife {
    pub(super) published: Length,
    pub(super) signs: Length,
    pub(super) outlives: Length,
}

impl Times {
    /// Those of an issuer with these settings, and of verifiers as they come.
    pub(super) fn of(settings: &Settings) -> Self {
        let longest = settings.access_seconds;
        let refresh = &settings.refresh;
        let keys = KeyTimes::new(longest, refresh);
        Self {
            access: [access_token::shortest_life(longest), longest].map(Length::seconds),
            grace: Length::seconds(refresh.grace),
            idle: Length::seconds(refresh.idle),
            absolute: Length::seconds(refresh.absolute),
            in_feed: Length::seconds(feed::entry_life(longest)),
            feed_read: <[_; 2]>::from(config::feed_interval()).map(Length::from),
            feed_kept: Length::seconds(FEED_KEPT),
            feed_fresh: Length::seconds(feed::GOOD_FOR),
            keys: KeyLife {
                published: Length::seconds(keys.published),
                signs: Length::seconds(keys.signs),
                outlives: Length::seconds(keys.outlives),
            },
            keys_read: <[_; 2]>::from(config::keys_interval(MAX_STALE)).map(Length::from),
            keys_kept: Length::seconds(JWKS_KEPT),
            keys_stale: MAX_STALE.into(),
        }
    }

    /// How long after its session ended a token is accepted at most, where the feed is read.
    pub(super) fn feed_lag(&self) -> Length {
        let [_, longest] = self.feed_read;
        longest.and(self.feed_kept)
    }
}
