//! Publish/subscribe.

use super::{Argument, Channels, Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::pubsub;

/// Flags of all that subscribe or unsubscribe. Shard channels do not exist in Sentinel.
const SUBSCRIBES_TO_SHARD: Flags = Flags::of(&[Flags::PUBSUB, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]);
const SUBSCRIBES: Flags = SUBSCRIBES_TO_SHARD.with(Flags::SENTINEL);
const PUBLISHES_TO_SHARD: Flags =
    Flags::of(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::MAY_REPLICATE]);

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "psubscribe",
        arity: -2,
        flags: SUBSCRIBES,
        channels: Channels::SubscribePatterns,
        since: "2.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of patterns",
        summary: "Listens to messages to all channels that match one of the patterns.",
        arguments: &[Argument::pattern("pattern").multiple()],
        handler: pubsub::psubscribe,
        ..Command::BLANK
    },
    Command {
        name: "publish",
        arity: 3,
        flags: PUBLISHES_TO_SHARD.with(Flags::SENTINEL),
        channels: Channels::Publish,
        since: "2.0.0",
        group: Group::PubSub,
        complexity: "O(N+M) where N is the number of subscribers and M the number of patterns that begin like the channel",
        summary: "Sends a message to a channel.",
        arguments: &[Argument::string("channel"), Argument::string("message")],
        handler: pubsub::publish,
        ..Command::BLANK
    },
    Command {
        name: "pubsub",
        arity: -2,
        since: "2.8.0",
        group: Group::PubSub,
        complexity: "Depends on the subcommand.",
        summary: "Contains the commands about channels and their subscribers.",
        subcommands: PUBSUB,
        ..Command::BLANK
    },
    Command {
        name: "punsubscribe",
        arity: -1,
        flags: SUBSCRIBES,
        since: "2.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of patterns",
        summary: "Listens no longer to the patterns, or to any.",
        arguments: &[Argument::pattern("pattern").optional().multiple()],
        handler: pubsub::punsubscribe,
        ..Command::BLANK
    },
    Command {
        name: "spublish",
        arity: 3,
        flags: PUBLISHES_TO_SHARD,
        keys: &[KeySpec::one(1, &[KeyFlags::NOT_KEY])],
        channels: Channels::Publish,
        since: "7.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of subscribers",
        summary: "Sends a message to a channel of a shard.",
        arguments: &[Argument::string("shardchannel"), Argument::string("message")],
        handler: pubsub::spublish,
        ..Command::BLANK
    },
    Command {
        name: "ssubscribe",
        arity: -2,
        flags: SUBSCRIBES_TO_SHARD,
        keys: &[KeySpec::rest(1, &[KeyFlags::NOT_KEY])],
        channels: Channels::Subscribe,
        since: "7.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels",
        summary: "Listens to messages to the channels of a shard.",
        arguments: &[Argument::string("shardchannel").multiple()],
        handler: pubsub::ssubscribe,
        ..Command::BLANK
    },
    Command {
        name: "subscribe",
        arity: -2,
        flags: SUBSCRIBES,
        channels: Channels::Subscribe,
        since: "2.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels",
        summary: "Listens to messages to the channels.",
        arguments: &[Argument::string("channel").multiple()],
        handler: pubsub::subscribe,
        ..Command::BLANK
    },
    Command {
        name: "sunsubscribe",
        arity: -1,
        flags: SUBSCRIBES_TO_SHARD,
        keys: &[KeySpec::rest(1, &[KeyFlags::NOT_KEY])],
        since: "7.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels",
        summary: "Listens no longer to the channels of a shard, or to any.",
        arguments: &[Argument::string("shardchannel").optional().multiple()],
        handler: pubsub::sunsubscribe,
        ..Command::BLANK
    },
    Command {
        name: "unsubscribe",
        arity: -1,
        flags: SUBSCRIBES,
        since: "2.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels",
        summary: "Listens no longer to the channels, or to any.",
        arguments: &[Argument::string("channel").optional().multiple()],
        handler: pubsub::unsubscribe,
        ..Command::BLANK
    },
];

/// Flags of the subcommands that look at channels.
const LOOKS: Flags = Flags::of(&[Flags::PUBSUB, Flags::LOADING, Flags::STALE]);

/// Subcommands of PUBSUB.
const PUBSUB: &[Command] = &[
    Command {
        name: "pubsub|channels",
        arity: -2,
        flags: LOOKS,
        since: "2.8.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels",
        summary: "Lists the channels that somebody listens to, those by pattern apart.",
        arguments: &[Argument::pattern("pattern").optional()],
        handler: pubsub::channels,
        ..Command::BLANK
    },
    Command {
        name: "pubsub|help",
        arity: 2,
        flags: Flags::of(&[Flags::LOADING, Flags::STALE]),
        since: "6.2.0",
        group: Group::PubSub,
        complexity: "O(1)",
        summary: "Explains the subcommands.",
        handler: pubsub::help,
        ..Command::BLANK
    },
    Command {
        name: "pubsub|numpat",
        arity: 2,
        flags: LOOKS,
        since: "2.8.0",
        group: Group::PubSub,
        complexity: "O(1)",
        summary: "Counts the different patterns that somebody listens to.",
        handler: pubsub::numpat,
        ..Command::BLANK
    },
    Command {
        name: "pubsub|numsub",
        arity: -2,
        flags: LOOKS,
        since: "2.8.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels asked for",
        summary: "Counts who listens to each of the channels, those by pattern apart.",
        arguments: &[Argument::string("channel").optional().multiple()],
        handler: pubsub::numsub,
        ..Command::BLANK
    },
    Command {
        name: "pubsub|shardchannels",
        arity: -2,
        flags: LOOKS,
        since: "7.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of shard channels",
        summary: "Lists the channels of a shard that somebody listens to.",
        arguments: &[Argument::pattern("pattern").optional()],
        handler: pubsub::shardchannels,
        ..Command::BLANK
    },
    Command {
        name: "pubsub|shardnumsub",
        arity: -2,
        flags: LOOKS,
        since: "7.0.0",
        group: Group::PubSub,
        complexity: "O(N) where N is the number of channels asked for",
        summary: "Counts who listens to each of the channels of a shard.",
        arguments: &[Argument::string("shardchannel").optional().multiple()],
        handler: pubsub::shardnumsub,
        ..Command::BLANK
    },
];
