//! The contract of a store, told as stories. Every adapter runs all of them, on the real thing:
//! [`store_contract!`](crate::store_contract) makes one test of each. A limiter has a contract of its
//! own, [`limiter_contract!`](crate::limiter_contract).
//!
//! To add a story, write it beside those of its port and name it in the macro; a test sees to it.
//! Races run [`rounds`] times with real concurrency: a few in the test run, many where
//! `SIGNET_PROVE` is set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    missing_docs,
    reason = "these are tests; what they expect stands in their names"
)]

pub mod accounts;
pub mod addresses;
pub mod administration;
pub mod admins;
pub mod audit;
pub mod changes;
pub mod detached;
pub mod families;
pub mod feed;
pub mod guesses;
pub mod heads;
pub mod imports;
pub mod invites;
pub mod key_lives;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod operations;
pub mod outbox;
pub mod passwords;
pub mod personal;
pub mod recovery;
pub mod refresh;
pub mod registrations;
pub mod roles;
pub mod sessions;
pub mod sweep;
pub mod unproven;
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
/// store as `(World, guard)`; the guard is dropped after the story.
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
                without_a_mail_nothing_is_queued_and_all_is_recorded,
                the_newest_registration_counts_within_a_second_too,
                a_token_of_another_purpose_proves_no_registration,
                guesses_at_a_registration_are_forgotten_when_it_is_proven,
                a_name_comes_along_and_can_be_found,
            }
            accounts {
                an_account_is_created_once_and_found_again,
                a_list_is_filtered_and_paged_without_gaps,
                a_name_is_changed_and_removed,
            }
            imports {
                what_is_imported_is_as_it_was_elsewhere,
                who_is_there_already_stays_as_they_are,
                a_rehearsal_answers_the_same_and_changes_nothing,
                ten_imports_of_the_same_at_once_import_each_account_once,
            }
            invites {
                an_accepted_invite_is_an_account_of_its_owners,
                who_accepts_may_say_what_they_are_called,
                of_fifty_acceptances_one_works,
                a_second_invite_takes_the_place_of_the_first,
                inviting_again_and_accepting_at_once_do_one_of_both,
                nobody_invites_to_more_than_they_hold,
                who_has_an_account_is_not_invited,
                an_invite_is_stronger_than_a_registration,
                an_invited_account_is_of_no_use_to_anybody,
                suspending_takes_an_invite_back,
                an_invite_that_nobody_accepts_goes_with_its_account,
            }
            unproven {
                who_registers_has_an_unverified_account_at_once,
                a_taken_address_makes_no_account,
                of_fifty_registrations_at_once_one_is_the_account,
                of_fifty_proofs_one_works,
                a_reset_leaves_nothing_to_who_was_there_before,
                a_changed_password_voids_the_token_of_the_one_before,
                guesses_at_an_account_are_forgotten_when_it_is_proven,
                a_renewed_token_reaches_whoever_is_not_proven,
                roles_count_once_the_mailbox_is_proven,
                an_account_that_nobody_used_goes_after_a_week,
            }
            addresses {
                a_change_is_asked_for_confirmed_and_keeps_sessions,
                a_taken_address_gets_the_other_mail_and_no_account,
                a_newer_change_voids_the_one_before_and_an_hour_voids_it,
                of_fifty_confirmations_one_works,
                of_fifty_undos_one_works,
                two_who_want_one_address_are_one_who_gets_it,
                an_undo_before_the_confirmation_cancels_it,
                an_undo_puts_the_address_back_and_ends_what_was_opened_since,
                an_undo_is_good_for_three_days,
                nobody_gets_an_address_that_may_be_put_back,
                a_reset_a_changed_password_and_a_suspension_take_a_request_back,
                a_suspended_account_gets_its_address_back_and_stays_suspended,
                of_several_undos_the_earliest_has_the_last_word,
                who_goes_back_to_an_address_voids_what_led_elsewhere_since,
                whoever_proves_a_mailbox_is_not_held_up_by_guesses_at_it,
                an_address_that_was_never_proven_gets_no_undo,
                an_undo_and_a_confirmation_at_once_leave_the_old_address,
            }
            administration {
                an_admin_renames_and_sends_resets,
                an_admin_ends_sessions_one_by_one_and_all,
                nobody_administers_somebody_above_themselves,
                a_right_that_is_taken_is_gone_at_once,
            }
            personal {
                all_that_is_held_is_given_out,
                an_erased_account_leaves_nothing_but_rows_about_nobody,
                an_owner_erases_with_a_live_session_and_the_password,
                nobody_erases_above_themselves_or_the_last_admin,
                an_erasure_and_whatever_else_happens_leave_nobody,
            }
            admins {
                the_first_admin_is_created_once_among_fifty,
                a_setup_token_is_void_after_a_newer_one_and_after_its_hour,
                a_first_admin_with_a_taken_address_leaves_the_link_good,
                an_admin_who_can_not_log_in_is_none,
                a_change_of_roles_says_what_they_were,
                suspending_ends_everything_at_once,
                nobody_acts_above_themselves,
                the_last_admin_stays,
                two_admins_who_remove_each_other_leave_one,
                who_inherits_admin_counts_as_one,
                where_everyone_is_an_admin_the_last_one_who_can_log_in_stays,
            }
            passwords {
                a_reset_ends_everything_from_before,
                only_the_newest_reset_token_is_good,
                a_request_is_granted_once_and_leaves_the_outbox_with_its_mail,
                fifty_resets_with_one_token_leave_the_password_of_the_one_that_worked,
                a_change_keeps_one_session_and_needs_the_current_password,
                a_password_is_read_with_the_epoch_that_it_is_of,
                a_suspended_account_resets_and_changes_nothing,
                a_reset_proves_the_mailbox,
                a_session_that_has_ended_changes_no_password,
            }
            sessions {
                a_session_opens_advances_and_is_listed,
                an_account_has_no_more_sessions_than_it_may,
                sessions_end_one_by_one_all_others_and_by_token,
                a_bearer_is_live_while_session_account_and_version_are,
                a_proven_password_advances_the_session,
                what_changed_since_the_check_opens_nothing,
                of_many_who_make_a_hash_anew_one_does_and_all_enter_with_it,
                no_hash_made_anew_takes_the_place_of_another_password,
                an_account_that_may_not_log_in_gets_no_session,
                a_clock_that_goes_back_ends_no_new_session,
                a_suspended_bearer_is_not_live,
                only_a_live_session_proves_its_password_again,
            }
            refresh {
                the_predecessor_is_repeated_and_then_replayed,
                a_generation_of_the_future_ends_the_session,
                in_sixty_four_parallel_refreshes_one_advances,
                ending_and_refreshing_at_once_leave_nothing_alive,
                a_refresh_reads_account_and_roles_anew,
                a_suspended_account_refreshes_nothing_and_a_replay_still_shows,
                a_session_ends_at_its_absolute_limit_however_often_it_is_refreshed,
                a_token_of_another_family_refreshes_nothing,
                of_sixty_four_replays_one_is_told,
            }
            families {
                every_schedule_is_answered_as_the_model_answers_it,
            }
            roles {
                roles_are_created_replaced_and_deleted,
                a_role_that_shrinks_raises_its_holders_versions,
                a_permission_that_no_role_names_any_more_is_nobodys_to_lose,
                roles_are_changed_by_those_who_hold_what_they_give,
                a_held_role_stays,
            }
            mail {
                a_message_is_leased_delivered_deferred_and_abandoned,
                two_workers_never_hold_the_same_message,
                what_has_been_due_for_longest_goes_first,
            }
            outbox {
                what_waits_and_what_died_is_listed_newest_first,
                the_outbox_is_read_in_pages_while_it_empties,
                a_dead_letter_is_tried_again_as_if_it_were_new,
                what_has_expired_or_whose_token_is_void_is_not_tried_again,
                only_who_may_write_mail_has_it_tried_again,
                what_the_server_did_not_hear_of_was_not_tried,
                an_entry_is_read_whatever_became_of_it,
                dead_letters_do_not_fill_the_outbox,
            }
            guesses {
                guesses_are_counted_before_they_are_checked,
                delays_grow_until_somebody_knows_the_password,
                nobody_guesses_beyond_the_ceiling,
                a_guess_that_is_withdrawn_was_never_made,
                what_is_withdrawn_after_a_success_takes_nothing_from_later_guesses,
                of_many_guesses_at_once_those_that_were_checked_count,
            }
            key_lives {
                a_key_is_published_signs_rests_and_goes,
                of_sixty_four_rotations_at_once_one_is_done,
                a_young_key_does_not_take_over,
                a_revoked_key_is_gone_at_once_and_refused,
                a_refused_kid_leaves_the_feed_when_no_edge_has_its_key,
                a_key_stays_until_the_longest_token_that_it_signed_is_over,
                keys_are_changed_by_who_may,
                what_one_master_key_sealed_is_sealed_anew_under_another,
            }
            keys {
                keys_are_made_once_among_many_starts,
                a_later_start_finds_the_keys_as_they_were,
            }
            audit {
                the_trail_is_one_unbroken_chain,
                the_trail_is_read_in_pages,
                a_store_that_can_write_says_so,
                the_trail_says_the_latest_time_and_operators_set_it_back,
            }
            operations {
                an_outbox_says_what_waits_in_it_and_for_how_long,
                a_part_that_fails_and_recovers_leaves_two_rows,
            }
            recovery {
                a_new_life_knows_no_secret_of_the_one_before,
                no_two_lives_share_an_epoch_of_the_feed,
            }
            feed {
                whatever_ends_a_session_is_in_the_feed,
                who_is_erased_is_in_the_feed,
                a_change_of_rights_is_in_the_feed,
                what_is_refused_draws_no_number,
                a_raised_version_stands_for_the_sessions_before_it,
                an_entry_leaves_when_no_token_of_it_is_good,
                an_entry_stays_where_a_key_has_signed_tokens_that_live_longer,
                an_entry_is_dated_no_earlier_than_the_last_token_it_is_for,
                what_is_held_stays_whatever_the_clock_says,
                many_sessions_of_an_account_become_its_version,
                where_much_is_revoked_what_has_no_token_is_left_out,
                a_new_life_begins_with_an_empty_feed,
                a_number_hides_no_change,
                revocations_of_all_kinds_at_once_wait_for_each_other,
            }
            sweep {
                sweeping_leaves_what_is_not_over,
                sweeping_removes_each_thing_at_its_time,
                failures_stay_while_the_last_of_them_counts,
                much_is_swept_in_batches,
            }
        }
    };
    ($open:ident; $($port:ident { $($story:ident,)* })*) => {
        $(mod $port {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    let (world, _guard) = super::$open().await;
                    $crate::testing::$port::$story(&world).await;
                    world.check_trail().await;
                }
            )*
        })*
    };
}

/// One test for each story of detached sessions, whose heads are in memory, where they can be lost
/// and set back. `$open` is that of [`store_contract!`](crate::store_contract).
#[macro_export]
macro_rules! detached_contract {
    ($open:ident) => {
        $crate::detached_contract! {
            $open;
            an_ended_session_stays_ended_whatever_becomes_of_its_head,
            a_session_whose_head_is_gone_is_over,
            a_head_that_went_with_its_expired_session_is_no_loss,
            without_heads_nothing_is_opened_or_refreshed_and_everything_ends,
            the_row_learns_of_refreshes_once_an_hour,
            an_entry_stays_for_as_long_as_its_row_may_be_behind,
            a_session_from_before_goes_on_where_it_was_opened,
            where_nobody_knows_its_head_a_session_is_over,
            heads_that_went_back_are_caught_by_the_newest_token,
            a_head_goes_with_its_session,
            only_a_session_that_is_detached_and_open_is_settled,
        }
    };
    ($open:ident; $($story:ident,)*) => {
        mod detached {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    let (world, _guard) = super::$open().await;
                    let stage = $crate::testing::detached::Stage::new(world);
                    $crate::testing::detached::$story(&stage).await;
                    stage.attached.check_trail().await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    /// The macro, up to where it makes tests of the stories.
    fn listed() -> &'static str {
        let (listed, _) = include_str!("testing.rs")
            .split_once("($open:ident; $(")
            .unwrap();
        listed
    }

    #[test]
    fn every_story_of_detached_sessions_is_told() {
        let (_, listed) = include_str!("testing.rs")
            .split_once("detached_contract! {")
            .unwrap();
        let told = include_str!("testing/detached.rs").lines();
        let stories = told.filter_map(|line| line.strip_prefix("pub async fn "));
        for (story, _) in stories.filter_map(|line| line.split_once("(stage: &Stage) {")) {
            let line = format!("            {story},\n");
            assert!(listed.contains(&line), "{story} is not in the macro");
        }
    }

    #[test]
    fn every_story_is_told() {
        let files = [
            include_str!("testing/accounts.rs"),
            include_str!("testing/addresses.rs"),
            include_str!("testing/administration.rs"),
            include_str!("testing/admins.rs"),
            include_str!("testing/audit.rs"),
            include_str!("testing/families.rs"),
            include_str!("testing/feed.rs"),
            include_str!("testing/guesses.rs"),
            include_str!("testing/imports.rs"),
            include_str!("testing/invites.rs"),
            include_str!("testing/key_lives.rs"),
            include_str!("testing/keys.rs"),
            include_str!("testing/mail.rs"),
            include_str!("testing/outbox.rs"),
            include_str!("testing/passwords.rs"),
            include_str!("testing/personal.rs"),
            include_str!("testing/recovery.rs"),
            include_str!("testing/refresh.rs"),
            include_str!("testing/registrations.rs"),
            include_str!("testing/roles.rs"),
            include_str!("testing/sessions.rs"),
            include_str!("testing/sweep.rs"),
            include_str!("testing/unproven.rs"),
        ];
        let stories = files.into_iter().flat_map(|file| {
            file.lines()
                .filter_map(|line| line.strip_prefix("pub async fn "))
                .filter_map(|line| line.split_once("(world: &World) {"))
        });
        for (story, _) in stories {
            let line = format!("                {story},\n");
            assert!(listed().contains(&line), "{story} is not in the macro");
        }
    }
}
