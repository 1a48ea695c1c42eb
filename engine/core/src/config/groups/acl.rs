//! Who may do what.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// The channels that a new user may use.
    ChannelsDefault {
        /// All.
        AllChannels = "allchannels",
        /// None.
        ResetChannels = "resetchannels",
    }
}

choice! {
    /// Who may do something dangerous.
    Allowed {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Whoever connects from this machine.
        Local = "local",
    }
}

impl Allowed {
    /// Whether a client may: `is_local` says that it connects from this machine.
    pub fn to(self, is_local: bool) -> bool {
        match self {
            Allowed::No => false,
            Allowed::Yes => true,
            Allowed::Local => is_local,
        }
    }
}

group! {
    /// Who may do what.
    acl: Acl {
        /// The channels of a new user.
        "acl-pubsub-default" pubsub_default: ChannelsDefault = ChannelsDefault::ResetChannels, choice();
        /// The file of users; empty means none.
        "aclfile" file: String = "".into(), text().fixed();
        /// Entries that ACL LOG keeps.
        "acllog-max-len" log_max_len: u64 = 128, integer(0, i64::MAX);
        /// Who may use DEBUG.
        "enable-debug-command" enable_debug_command: Allowed = Allowed::No, choice().fixed();
        /// Who may use MODULE.
        "enable-module-command" enable_module_command: Allowed = Allowed::No, choice().fixed();
        /// Who may change protected parameters.
        "enable-protected-configs" enable_protected_configs: Allowed = Allowed::No, choice().fixed();
        /// What a failed login costs its address at the most, in milliseconds; 0 means that guessing is not slowed. Our own.
        "login-delay-max" login_delay_max: i64 = 5000, integer(0, 3_600_000).hidden();
        /// The default user's password; empty means none.
        "requirepass" requirepass: Vec<u8> = Vec::new(), bytes_or_none().sensitive();
    }
}
