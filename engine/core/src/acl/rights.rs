//! What users mean for sessions: who a connection is, what it may do, and what becomes of it when that changes.
//!
//! A session carries two facts that are derived from its user, so that a command of most connections costs one branch: that
//! it must log in first, and that it may do everything. They are derived anew for every session whenever a user changes, so
//! a change applies to whatever is executed after it, on every connection.

use super::{Acl, Context, Denied, FileErrors, Prepared, Reason, SetUserError, UserId, file};
use crate::call::Args;
use crate::commands::client_list::describe;
use crate::config::ChannelsDefault;
use crate::effects::Level;
use crate::error::{ErrorReply, NOAUTH, NOT_IN_MULTI};
use crate::pubsub::Kind;
use crate::session::{Closing, Session};
use crate::state::State;
use crate::table::{Arguments, Flags, Found};

impl Acl {
    /// Makes a connection what every new one is.
    pub(crate) fn greet(&self, session: &mut Session) {
        let default = self.user(UserId::DEFAULT);
        session.user = UserId::DEFAULT;
        session.authenticated = default.needs_no_password() && default.is_enabled();
        self.derive(session);
    }

    /// Makes a connection that of a user who has logged in.
    pub(crate) fn log_in(&self, session: &mut Session, id: UserId) {
        session.user = id;
        session.authenticated = true;
        self.derive(session);
    }

    fn derive(&self, session: &mut Session) {
        session.must_log_in = self.login_is_required() && !session.authenticated;
        session.unrestricted = !session.must_log_in && self.user(session.user).may_do_everything();
    }

    /// Whether a session's user may make this call.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&mut self, user: UserId, found: Found, args: Args<'_>) -> Result<(), Denied> {
        let mut keys = std::mem::take(&mut self.keys);
        let argument = |i| args.at(if self.wrong_key && i > 1 { 1 } else { i });
        let checked = self.user(user).check(found, Arguments::new(args.len(), &argument), &mut keys);
        self.keys = keys;
        checked
    }
}

impl State {
    /// What a restricted session is refused before a command of its runs or is queued. In Redis's order.
    ///
    /// # Errors
    /// What it is answered.
    #[cold]
    pub(crate) fn check_rights(&mut self, session: &Session, found: Found, args: Args<'_>) -> Result<(), ErrorReply> {
        let command = found.command;
        if session.must_log_in && !command.flags.contains(Flags::NO_AUTH) {
            return Err(NOAUTH);
        }
        if session.in_transaction() && command.flags.contains(Flags::NO_MULTI) {
            return Err(NOT_IN_MULTI);
        }
        let Err(denied) = self.acl.check(session.user, found, args) else { return Ok(()) };
        let context = if session.in_transaction() { Context::Multi } else { Context::TopLevel };
        self.log_denial(session, found, args, denied, context);
        let text = match denied {
            Denied::Command => {
                let name = self.acl.name(session.user);
                let command = command.name.as_bytes();
                [b"NOPERM User ", name, b" has no permissions to run the '", command, b"' command"].concat()
            }
            Denied::Key(_) => b"NOPERM No permissions to access a key".to_vec(),
            Denied::Channel(_) => b"NOPERM No permissions to access a channel".to_vec(),
        };
        Err(ErrorReply::owned(text))
    }

    /// The same for a command that was queued, when its turn to be executed has come: rules may have changed meanwhile.
    ///
    /// # Errors
    /// What EXEC answers in its place.
    #[cold]
    pub(crate) fn check_queued(&mut self, session: &Session, found: Found, args: Args<'_>) -> Result<(), ErrorReply> {
        let Err(denied) = self.acl.check(session.user, found, args) else { return Ok(()) };
        self.log_denial(session, found, args, denied, Context::Multi);
        Err(ErrorReply::new(match denied {
            Denied::Command => {
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command \
                 is no longer allowed for the following reason: no permission to execute the command or subcommand"
            }
            Denied::Key(_) => {
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command \
                 is no longer allowed for the following reason: no permission to touch the specified keys"
            }
            Denied::Channel(_) => {
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command \
                 is no longer allowed for the following reason: no permission to access one of the channels used as arguments"
            }
        }))
    }

    fn log_denial(&mut self, session: &Session, found: Found, args: Args<'_>, denied: Denied, context: Context) {
        let (reason, object, counter) = match denied {
            Denied::Command => (Reason::Command, found.command.name.as_bytes(), &mut self.stats.access_denied_cmd),
            Denied::Key(i) => (Reason::Key, args.at(i), &mut self.stats.access_denied_key),
            Denied::Channel(i) => (Reason::Channel, args.at(i), &mut self.stats.access_denied_channel),
        };
        *counter += 1;
        let username: Box<[u8]> = self.acl.name(session.user).into();
        self.log_refusal(session, (reason, context), object, &username);
    }

    /// Remembers a refusal for ACL LOG.
    pub(crate) fn log_refusal(&mut self, session: &Session, what: (Reason, Context), object: &[u8], username: &[u8]) {
        let mut client = String::new();
        describe(session, &self.acl, &self.tracking, self.now.mono_us, session.parser.arguments_len(), &mut client);
        let max_len = usize::try_from(self.config.acl.log_max_len).unwrap_or(usize::MAX);
        self.acl.log.add(self.now.unix_ms(), max_len, what, object, username, client);
    }

    /// Makes or changes a user, and says so to its connections.
    ///
    /// # Errors
    /// The first rule that cannot be obeyed; nothing is changed then.
    pub(crate) fn set_user<'a>(
        &mut self,
        executing: &mut Session,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), SetUserError> {
        let open_channels = self.open_channels();
        let Prepared { user, warnings } = self.acl.prepare(&self.table, open_channels, name, rules)?;
        for line in warnings {
            self.effects.log(Level::Warning, line);
        }
        let loses_channels = self.acl.find(name).is_some_and(|id| self.acl.user(id).loses_channels(&user));
        let id = self.acl.insert(name, user);
        self.rights_changed(Some(executing));
        if loses_channels {
            self.end_unlawful_subscribers(executing, id);
        }
        Ok(())
    }

    /// Deletes a user, and with it its connections. False when there is none of that name, or it is the default one.
    pub(crate) fn delete_user(&mut self, executing: &mut Session, name: &[u8]) -> bool {
        let Some(id) = self.acl.find(name).filter(|id| *id != UserId::DEFAULT) else { return false };
        let State { sessions, effects, acl, .. } = self;
        for session in sessions.iter_mut().filter(|s| s.user == id) {
            expel(acl, session);
            session.closing = Closing::Now;
            effects.attend(session);
        }
        if executing.user == id {
            expel(acl, executing);
            // What the command itself answers is still sent.
            if executing.closing == Closing::Open {
                executing.closing = Closing::AfterReplies;
            }
        }
        acl.remove(id);
        true
    }

    /// Replaces all users by those of `aclfile`. Connections of users other than the default one end, for theirs are gone,
    /// though others of the same names may have come.
    ///
    /// # Errors
    /// Everything that is wrong with the file; nothing is changed then.
    pub(crate) fn load_users(&mut self, executing: &mut Session, contents: &[u8]) -> Result<(), FileErrors> {
        let (users, warnings) = file::read(&self.table, self.open_channels(), &self.config.acl.file, contents)?;
        for line in warnings {
            self.effects.log(Level::Warning, line);
        }
        let names: Vec<Box<[u8]>> = self.acl.users().map(|(name, _)| name.into()).collect();
        for name in &names {
            self.delete_user(executing, name);
        }
        let default = users.get(super::DEFAULT).expect("what is read from a file has a default user");
        let loses_channels = self.acl.user(UserId::DEFAULT).loses_channels(default);
        for (name, user) in users {
            self.acl.insert(&name, user);
        }
        self.rights_changed(Some(executing));
        if loses_channels {
            self.end_unlawful_subscribers(executing, UserId::DEFAULT);
        }
        Ok(())
    }

    /// `requirepass` was set: it is the default user's only password, or says that it needs none.
    pub(crate) fn require_password(&mut self, executing: Option<&mut Session>) {
        let mut default = self.acl.user(UserId::DEFAULT).clone();
        default.require_password(&self.config.acl.requirepass);
        self.acl.insert(super::DEFAULT, default);
        self.rights_changed(executing);
    }

    /// The users that the configuration declares or names a file of, before anybody connects. `read` reads a file.
    ///
    /// # Errors
    /// Why the server cannot start.
    pub(crate) fn users_at_start(&mut self, read: impl FnOnce(&str) -> std::io::Result<Vec<u8>>) -> Result<(), String> {
        let mut lines = Vec::new();
        let open_channels = self.open_channels();
        let made = self.acl.declare(&self.table, open_channels, &self.config.start.users, &mut lines);
        if let Some(path) = self.users_file().map(str::to_owned) {
            let loaded = read(&path)
                .map_err(|error| file::unreadable(&path, &error))
                .and_then(|contents| file::read(&self.table, open_channels, &path, &contents));
            let (users, warnings) =
                loaded.map_err(|errors| format!("Aborting Redis startup because of ACL errors: {errors}"))?;
            lines.extend(warnings);
            for (name, user) in users {
                self.acl.insert(&name, user);
            }
        }
        for line in lines {
            self.effects.log(Level::Warning, line);
        }
        self.rights_changed(None);
        made.map_err(|error| format!("{error}. Critical error while loading ACLs. Exiting."))
    }

    /// Users have changed: what sessions carry of their rights is derived anew.
    fn rights_changed(&mut self, executing: Option<&mut Session>) {
        let State { sessions, acl, .. } = self;
        for session in sessions.iter_mut().chain(executing) {
            acl.derive(session);
        }
    }

    /// Ends connections of a user that listen to what it may not hear any more.
    fn end_unlawful_subscribers(&mut self, executing: &mut Session, id: UserId) {
        let State { sessions, effects, acl, .. } = self;
        let user = acl.user(id);
        let is_unlawful = |session: &Session| {
            let listens = |kind, is_pattern| {
                let subscriptions = session.subscriptions.as_deref();
                let mut names = subscriptions.into_iter().flat_map(move |s| s.names(kind));
                names.any(|name| !user.may_listen(name, is_pattern))
            };
            session.user == id
                && session.subscriptions.is_some()
                && (listens(Kind::Channel, false) || listens(Kind::Pattern, true) || listens(Kind::Shard, false))
        };
        for session in sessions.iter_mut().filter(|s| is_unlawful(s)) {
            session.closing = Closing::Now;
            effects.attend(session);
        }
        if executing.closing == Closing::Open && is_unlawful(executing) {
            // What the command itself answers is still sent.
            executing.closing = Closing::AfterReplies;
        }
    }

    /// The file of users, if one is configured.
    pub(crate) fn users_file(&self) -> Option<&str> {
        Some(&*self.config.acl.file).filter(|path| !path.is_empty())
    }

    /// `acl-pubsub-default`.
    fn open_channels(&self) -> bool {
        self.config.acl.pubsub_default == ChannelsDefault::AllChannels
    }
}

/// Makes a session nobody's, so that nothing names a user that goes.
fn expel(acl: &Acl, session: &mut Session) {
    session.user = UserId::DEFAULT;
    session.authenticated = false;
    acl.derive(session);
}
