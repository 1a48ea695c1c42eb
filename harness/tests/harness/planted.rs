//! What each oracle guards is taken away, and the oracle must say so within a hundred seeds.

use refrain_core::Bug;
use refrain_harness::planted::Planted;

use super::{plan, run_planted, run_well};

/// Runs seeds until one of `oracles` fails, and says how many that took.
fn caught(scenario: &str, planted: Planted, oracle: &str) {
    for seed in 1..=100 {
        let outcome = run_planted(&plan(scenario, seed), planted);
        if outcome.violations.iter().any(|violation| violation.oracle == oracle) {
            println!("{} is caught by {oracle} in seed {seed} of {scenario}", planted.name());
            return;
        }
    }
    panic!("{} is not caught by {oracle} in a hundred seeds of {scenario}", planted.name());
}

#[test]
fn an_increment_that_counts_twice() {
    caught("single-node", Planted::Engine(Bug::DoubleIncrement), "linearizable");
}

#[test]
fn an_expired_key_that_is_served() {
    caught("single-node", Planted::Engine(Bug::ServeExpired), "linearizable");
    caught("expiry-clock", Planted::Engine(Bug::ServeExpired), "deadlines");
}

#[test]
fn an_expired_field_that_is_served() {
    caught("field-expiry", Planted::Engine(Bug::ServeExpiredField), "deadlines");
}

#[test]
fn a_deadline_that_survives_hset() {
    caught("field-expiry", Planted::Engine(Bug::DeadlineSurvivesHset), "deadlines");
}

#[test]
fn a_live_field_that_goes_with_its_neighbour() {
    caught("field-expiry", Planted::Engine(Bug::ExpiryTakesNeighbour), "deadlines");
}

#[test]
fn a_watch_that_is_missed() {
    caught("single-node", Planted::Engine(Bug::MissedWatch), "linearizable");
    caught("leases", Planted::Engine(Bug::MissedWatch), "watched-values");
}

#[test]
fn half_a_transaction() {
    caught("single-node", Planted::Engine(Bug::HalfTransaction), "possible-replies");
    caught("single-node", Planted::Engine(Bug::HalfTransaction), "whole-transactions");
}

#[test]
fn a_lost_reply_taken_for_a_failure() {
    caught("single-node", Planted::LostReplyIsFailure, "linearizable");
}

#[test]
fn a_round_without_a_budget() {
    caught("hot-key-storm", Planted::Engine(Bug::NoRoundBudget), "latency");
}

#[test]
fn slow_commands_without_a_budget() {
    caught("command-overload", Planted::Engine(Bug::NoWorkBudget), "overload");
}

#[test]
fn a_message_twice_by_a_pattern() {
    caught("pubsub", Planted::Engine(Bug::PatternMessageTwice), "deliveries");
}

#[test]
fn a_message_lost_in_the_middle() {
    caught("pubsub", Planted::Engine(Bug::MessageLost), "deliveries");
}

#[test]
fn rights_checked_on_another_key() {
    caught("intrusion", Planted::Engine(Bug::AclChecksWrongKey), "rights");
}

#[test]
fn a_revoked_right_that_is_kept() {
    caught("intrusion", Planted::Engine(Bug::RevokedKeepsRights), "rights");
}

#[test]
fn a_pause_that_leaks_writes() {
    caught("client-pause", Planted::Engine(Bug::PauseLeaksWrite), "pauses");
}

#[test]
fn a_blocked_client_that_is_served_after_its_end() {
    caught("blocking-queues", Planted::Engine(Bug::ServesTheDead), "queues");
}

#[test]
fn a_blocked_client_that_is_served_twice() {
    caught("blocking-queues", Planted::Engine(Bug::ServedTwice), "possible-replies");
}

#[test]
fn an_element_that_is_pushed_twice() {
    caught("collections", Planted::Engine(Bug::DoublePush), "linearizable");
}

#[test]
fn an_invalidation_before_its_write() {
    caught("tracking", Planted::Engine(Bug::InvalidationBeforeWrite), "cached-values");
}

#[test]
fn an_invalidation_forgotten_when_a_deadline_comes() {
    caught("tracking", Planted::Engine(Bug::ForgottenInvalidation), "cached-values");
}

#[test]
fn deleted_entries_that_are_forgotten() {
    caught("stream-groups", Planted::Engine(Bug::ForgottenDeletions), "stream-groups");
}

#[test]
fn an_entry_that_is_added_again_when_it_is_sent_again() {
    caught("stream-groups", Planted::Engine(Bug::AddedAgain), "stream-groups");
}

#[test]
fn output_without_a_limit() {
    caught("slow-clients", Planted::Engine(Bug::NoOutputLimit), "output");
    caught("slow-subscribers", Planted::Engine(Bug::NoOutputLimit), "output");
}

#[test]
fn output_that_leaves_before_what_it_tells_of_is_durable() {
    caught("restart-durability", Planted::Engine(Bug::AnswersBeforeSync), "ledger");
    caught("restart-always", Planted::Engine(Bug::AnswersBeforeSync), "linearizable");
}

#[test]
fn a_failed_sync_that_is_ignored() {
    caught("restart-durability", Planted::Engine(Bug::SyncErrorIgnored), "start");
    caught("failed-fsync", Planted::Engine(Bug::SyncErrorIgnored), "start");
}

#[test]
fn names_that_are_not_durable() {
    caught("restart-durability", Planted::DirectoryIsNotSynced, "ledger");
}

#[test]
fn a_base_that_is_named_before_it_is_durable() {
    caught("restart-durability", Planted::Engine(Bug::BaseIsNotDurable), "start");
}

#[test]
fn commands_lost_between_a_snapshot_and_the_file_behind_it() {
    caught("restart-durability", Planted::Engine(Bug::LostBehindSnapshot), "ledger");
}

#[test]
fn half_a_transaction_that_is_executed_again() {
    caught("restart-durability", Planted::Engine(Bug::HalfTransactionReplayed), "ledger");
}

#[test]
fn a_part_in_the_middle_that_ends_early() {
    caught("restart-durability", Planted::Engine(Bug::TruncationInTheMiddle), "ledger");
    caught("bit-rot", Planted::Engine(Bug::TruncationInTheMiddle), "ledger");
}

#[test]
fn entries_that_are_saved_as_they_were_later() {
    caught("restart-durability", Planted::Engine(Bug::LateCopies), "ledger");
}

#[test]
fn a_wall_clock_that_runs_backwards() {
    caught("expiry-clock", Planted::Engine(Bug::WallRunsBackwards), "monotone-wall");
    caught("expiry-clock", Planted::Engine(Bug::WallRunsBackwards), "deadlines");
}

/// No bug is planted for these: the bound is made one that nothing can meet.
#[test]
fn bounds_that_nothing_can_meet() {
    let fails = |change: fn(&mut refrain_harness::plan::Plan), scenario: &str, oracle: &str| {
        let mut plan = plan(scenario, 1);
        assert!(run_well(&plan).violations.is_empty());
        change(&mut plan);
        let outcome = run_well(&plan);
        let found = outcome.violations.iter().any(|violation| violation.oracle == oracle);
        assert!(found, "{oracle} does not look: {:?}", outcome.violations);
    };
    fails(|plan| plan.oracles.expired_within_ms = Some(0), "expiry-clock", "expired-within");
    fails(|plan| plan.recovery_ms = 0, "single-node", "recovery");
}
