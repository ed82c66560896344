//! The contract of a store, told as stories. Every adapter runs all of them, on the real thing:
//! [`store_contract!`](crate::store_contract) makes one test of each.
//!
//! To add a story, write it beside those of its port and name it in the macro. Races run
//! [`rounds`] times with real concurrency: a few in the test run, many where `SIGNET_PROVE` is
//! set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "these are tests; what they expect stands in their names"
)]

pub mod accounts;
pub mod admins;
pub mod mail;
pub mod passwords;
pub mod registrations;
pub mod roles;
pub mod secrets;
pub mod sessions;
pub mod world;

pub use world::World;

/// How often a race is run.
#[must_use]
pub fn rounds(in_test: u32, in_proof: u32) -> u32 {
    match std::env::var_os("SIGNET_PROVE") {
        Some(_) => in_proof,
        None => in_test,
    }
}

/// One test for each story. `$open` is an async function without arguments that answers a fresh
/// store as `(Arc<dyn Store>, guard)`; the guard is dropped after the story.
#[macro_export]
macro_rules! store_contract {
    ($open:ident) => {
        $crate::store_contract! {
            $open;
            registrations {
                a_registration_becomes_one_account,
                a_taken_address_gets_the_other_mail_and_no_registration,
                at_most_three_registrations_wait_for_an_address,
                a_renewed_token_voids_the_one_before,
                what_has_expired_is_gone,
                of_fifty_uses_of_a_token_one_works,
            }
            accounts {
                an_account_is_created_once_and_found_again,
                a_list_is_filtered_and_paged_without_gaps,
                a_name_is_changed_and_removed,
            }
            admins {
                the_first_admin_is_created_once_among_fifty,
                a_setup_token_is_void_after_a_newer_one_and_after_its_hour,
                suspending_ends_everything_at_once,
                nobody_acts_above_themselves,
                the_last_admin_stays,
                two_admins_who_remove_each_other_leave_one,
            }
            passwords {
                a_reset_ends_everything_from_before,
                only_the_newest_reset_token_is_good,
                fifty_resets_with_one_token_leave_the_password_of_the_one_that_worked,
                a_change_keeps_one_session_and_needs_the_current_password,
            }
            sessions {
                a_session_opens_advances_and_is_listed,
                the_predecessor_is_repeated_and_then_replayed,
                a_generation_of_the_future_ends_the_session,
                in_sixty_four_parallel_refreshes_one_advances,
                ending_and_refreshing_at_once_leave_nothing_alive,
                an_account_has_no_more_sessions_than_it_may,
                sessions_end_one_by_one_all_others_and_by_token,
                a_bearer_is_live_while_session_account_and_version_are,
                a_proven_password_advances_the_session,
                what_changed_since_the_check_opens_nothing,
            }
            roles {
                roles_are_created_replaced_and_deleted,
                a_role_that_shrinks_raises_its_holders_versions,
                a_held_role_stays,
            }
            mail {
                a_message_is_leased_delivered_deferred_and_abandoned,
                two_workers_never_hold_the_same_message,
            }
            secrets {
                guesses_are_counted_before_they_are_checked,
                keys_are_made_once_among_many_starts,
                the_trail_is_one_unbroken_chain,
                sweeping_removes_only_what_is_over,
            }
        }
    };
    ($open:ident; $($port:ident { $($story:ident,)* })*) => {
        $(mod $port {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    let (store, _guard) = super::$open().await;
                    let world = $crate::testing::World::new(store);
                    $crate::testing::$port::$story(&world).await;
                    world.check_trail().await;
                }
            )*
        })*
    };
}
