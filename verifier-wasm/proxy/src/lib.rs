//! The verifier as a filter of Envoy.
//!
//! Envoy starts one virtual machine for each of its threads, with this module in it. None of them
//! shares memory with another; what they tell each other stands in Envoy's shared data.
//!
//! # The path of a request
//!
//! 1. [`host`]: the head of the request as bytes, in which nothing is taken for text.
//! 2. [`guard`]: the thread's gate decides. All that is decided is decided there, in
//!    [`signet_verifier::Gate`], as on every other host.
//! 3. [`request`]: the decision is carried out. Headers go and come, or the client gets the gate's
//!    answer. Where a rule requires a fresh feed and one may come soon, Envoy holds the request for
//!    a second at most.
//!
//! # The path of keys and feeds
//!
//! 1. [`root`]: Envoy wakes every thread ten times a second.
//! 2. [`board`]: one thread holds the lease, by compare and swap. If it ends, another has it within
//!    seconds.
//! 3. [`leader`]: that thread does what [`signet_verifier::Refresher`] says, through a cluster of
//!    Envoy's, and puts on the board what was good, with the time at which it was asked for.
//! 4. [`learner`]: every thread reads what is new there, checks it, and hands it to its gate. Keys
//!    age from when they were asked for, whoever asked; a feed's age is signed.
//!
//! A virtual machine that Envoy starts anew finds everything on the board.
//!
//! # What must not happen
//!
//! A panic ends the thread's virtual machine, and until Envoy has started another one its requests
//! are answered 503. So no input may cause one: see [`host`] about those of the library.
//!
//! # Adding something
//!
//! What a rule can ask belongs to [`signet_verifier::policy`], a reason to refuse to
//! [`signet_verifier::gate`]. What an operator can say belongs to [`settings`], and to
//! `docs/ENVOY.md`.
#![expect(
    missing_docs,
    reason = "what is public is the function that proxy_wasm::main! makes, for Envoy alone"
)]

mod board;
mod guard;
mod host;
mod leader;
mod learner;
mod metrics;
mod request;
mod root;
mod settings;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
    proxy_wasm::set_root_context(|id| Box::new(root::Root::new(id)));
}}
