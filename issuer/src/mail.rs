//! Where mail goes: to an SMTP server ([`smtp`]) or, in local mode without one, into a mailbox in
//! memory ([`mailbox`]) that `/dev/mailbox` shows.
//!
//! Both are [`signet_core::mail::MailTransport`]s. To add another way, implement that trait in a
//! file of its own, and choose it in [`post`].

pub mod mailbox;
mod mime;
pub mod post;
pub mod smtp;
