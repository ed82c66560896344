//! Changing the address of an account: asked for, confirmed at the new address, undone at the old.
//!
//! Each change that is asked for leaves two tokens in the store, in the account's row of tokens: one
//! that leads to the new address, and, where the old address was proven, one that leads back. A
//! token that leads back outlives every reset and change of password, and all tokens that lead back
//! are in order: whoever uses one undoes everything that came after it. While it is good, nobody
//! else gets the address it leads to. See docs/adr/0025-an-address-can-be-taken-back.md.
//!
//! Letters are written in the transaction, by what it read: the functions that write them are
//! called once for each attempt, and ask nobody.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::account::{Account, AccountId};
use crate::audit::Context;
use crate::email::EmailAddress;
use crate::limit::GuessKey;
use crate::mail::NewMail;
use crate::mailed_token::{MailedTokenHash, NewMailedToken};

/// A change of address that somebody asked for.
#[derive(Clone, Debug)]
pub struct AskedChange {
    /// Whose.
    pub account: AccountId,
    /// The account's device epoch when it was asked for. A reset, a change of password, a suspension
    /// or an undo since then means that it isn't asked for any more.
    pub device_epoch: u64,
    /// The address from then on.
    pub email: EmailAddress,
    /// The token that leads there.
    pub change: NewMailedToken,
    /// The token that leads back.
    pub undo: NewMailedToken,
}

/// The letters of a change, of which the store queues those that fit.
#[derive(Clone, Debug)]
pub struct ChangeLetters {
    /// To the new address where it is free: carries the token that leads there.
    pub change: NewMail,
    /// To the new address where it is taken: says so.
    pub taken: NewMail,
    /// To the old address where it was proven: carries the token that leads back.
    pub notice: NewMail,
}

/// What else an undo does.
#[derive(Clone, Debug)]
pub struct UndoEffects {
    /// The failed guesses that are forgotten: those at the address that is put back.
    pub clears: GuessKey,
    /// What both addresses are told.
    pub notices: [NewMail; 2],
}

/// What came of an undo.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Undone {
    /// The address was put back, and everything since then is over.
    PutBack,
    /// The account still had the address: what was asked for is void.
    Cancelled,
}

/// Writes the letters of a change for the account as it is.
pub type WriteChangeLetters<'a> = &'a (dyn for<'b> Fn(&'b Account) -> ChangeLetters + Send + Sync);

/// Finds the failed guesses at an address.
pub type FindGuesses<'a> = &'a (dyn for<'b> Fn(&'b EmailAddress) -> GuessKey + Send + Sync);

/// Says what else an undo does to the account as it is, which gets the address back.
pub type FindUndoEffects<'a> =
    &'a (dyn for<'b> Fn(&'b Account, &'b EmailAddress) -> UndoEffects + Send + Sync);

/// Changes of address.
#[async_trait]
pub trait AddressStore: Send + Sync {
    /// Grants a `request` of the outbox, taking it out: keeps the token of the change, voiding the
    /// account's earlier one, and that of the undo, and queues the letters. The same is kept where
    /// the new address is taken; only nobody gets the token then. An address that was never proven
    /// gets no letter and no undo: whoever reads it may be nobody the account knows. Records
    /// `AddressChangeRequested`. False, with nothing done, where the account is gone, isn't active
    /// or has another device epoch, or the request is gone.
    async fn issue_address_change(
        &self,
        context: &Context,
        request: Uuid,
        asked: AskedChange,
        letters: WriteChangeLetters<'_>,
    ) -> StoreResult<bool>;

    /// Uses the token up and gives the account its new address, verified, if nobody else has it or
    /// may get it back: voids pending registrations of it and all mailed tokens of the account but
    /// those that lead back, and clears the guesses at it. Where the account itself could have got
    /// the address back, what leads to later ones goes, as in an undo. Sessions stay. Records
    /// `AddressChanged`. False where the token is no longer good, the account isn't active, or the
    /// address was taken meanwhile.
    async fn change_address(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<bool>;

    /// Uses the token up, and with it every later one that leads back, and voids what is asked for.
    ///
    /// Where the account still has the address, that is all; records `AddressChangeCancelled`.
    /// Otherwise it gets the address back, verified: ends all sessions, raises version and device
    /// epoch, voids all mailed tokens but those that lead further back, clears the guesses, and
    /// queues the notices; records `AddressPutBack`. A suspended account gets it back as well, and
    /// stays suspended. `None` where the token is no longer good or somebody has the address.
    async fn undo_address_change(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        effects: FindUndoEffects<'_>,
    ) -> StoreResult<Option<Undone>>;
}
