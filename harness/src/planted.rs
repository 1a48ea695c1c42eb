//! Bugs that are planted to see that the oracles catch them: in the engine, or in the harness itself.

use std::str::FromStr;

use refrain_core::Bug;
use refrain_node::Probe;

/// Something that is made wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// In the engine or the node.
    Engine(Bug),
    /// In the client: a lost reply is taken for a failure, as if the command had not been executed.
    LostReplyIsFailure,
    /// Below the node: a sync of a directory is as if it had been forgotten.
    DirectoryIsNotSynced,
}

/// All of them, by the names that `--planted` takes.
pub const ALL: &[(&str, Planted)] = &[
    ("double-increment", Planted::Engine(Bug::DoubleIncrement)),
    ("serve-expired", Planted::Engine(Bug::ServeExpired)),
    ("serve-expired-field", Planted::Engine(Bug::ServeExpiredField)),
    ("deadline-survives-hset", Planted::Engine(Bug::DeadlineSurvivesHset)),
    ("expiry-takes-neighbour", Planted::Engine(Bug::ExpiryTakesNeighbour)),
    ("missed-watch", Planted::Engine(Bug::MissedWatch)),
    ("no-round-budget", Planted::Engine(Bug::NoRoundBudget)),
    ("no-work-budget", Planted::Engine(Bug::NoWorkBudget)),
    ("no-output-limit", Planted::Engine(Bug::NoOutputLimit)),
    ("half-transaction", Planted::Engine(Bug::HalfTransaction)),
    ("pause-leaks-write", Planted::Engine(Bug::PauseLeaksWrite)),
    ("pattern-message-twice", Planted::Engine(Bug::PatternMessageTwice)),
    ("message-lost", Planted::Engine(Bug::MessageLost)),
    ("acl-checks-wrong-key", Planted::Engine(Bug::AclChecksWrongKey)),
    ("revoked-keeps-rights", Planted::Engine(Bug::RevokedKeepsRights)),
    ("forgotten-invalidation", Planted::Engine(Bug::ForgottenInvalidation)),
    ("invalidation-before-write", Planted::Engine(Bug::InvalidationBeforeWrite)),
    ("serves-the-dead", Planted::Engine(Bug::ServesTheDead)),
    ("served-twice", Planted::Engine(Bug::ServedTwice)),
    ("double-push", Planted::Engine(Bug::DoublePush)),
    ("wall-runs-backwards", Planted::Engine(Bug::WallRunsBackwards)),
    ("forgotten-deletions", Planted::Engine(Bug::ForgottenDeletions)),
    ("added-again", Planted::Engine(Bug::AddedAgain)),
    ("answers-before-sync", Planted::Engine(Bug::AnswersBeforeSync)),
    ("sync-error-ignored", Planted::Engine(Bug::SyncErrorIgnored)),
    ("base-is-not-durable", Planted::Engine(Bug::BaseIsNotDurable)),
    ("lost-behind-snapshot", Planted::Engine(Bug::LostBehindSnapshot)),
    ("half-transaction-replayed", Planted::Engine(Bug::HalfTransactionReplayed)),
    ("truncation-in-the-middle", Planted::Engine(Bug::TruncationInTheMiddle)),
    ("late-copies", Planted::Engine(Bug::LateCopies)),
    ("lost-reply-is-failure", Planted::LostReplyIsFailure),
    ("directory-is-not-synced", Planted::DirectoryIsNotSynced),
];

impl Planted {
    /// Its name.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(_, planted)| *planted == self).map_or("a bug", |(name, _)| name)
    }
}

impl FromStr for Planted {
    type Err = String;

    fn from_str(name: &str) -> Result<Planted, String> {
        let found = ALL.iter().find(|(known, _)| *known == name).map(|(_, planted)| *planted);
        found.ok_or_else(|| format!("one of {}", ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
    }
}

/// The node's probe in the simulator: nothing to report of a process, and perhaps a bug to plant.
#[derive(Debug, Clone, Copy)]
pub struct PlantingProbe(pub Option<Planted>);

impl Probe for PlantingProbe {
    fn planted(&self, bug: Bug) -> bool {
        self.0 == Some(Planted::Engine(bug))
    }
}
