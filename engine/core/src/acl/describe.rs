//! A user as `ACL GETUSER` shows it.

use refrain_resp::Encoder;

use super::selector::Selector;
use super::user::User;

impl User {
    /// Writes a map of its flags, passwords and selectors, the first selector's fields among them.
    pub(crate) fn write(&self, reply: &mut Encoder<'_>) {
        reply.map(6);
        reply.bulk(b"flags");
        reply.set(self.flags().count());
        for flag in self.flags() {
            reply.bulk(flag.as_bytes());
        }
        reply.bulk(b"passwords");
        reply.array(self.passwords().len());
        for password in self.passwords() {
            let mut digits = Vec::with_capacity(64);
            password.push(&mut digits);
            reply.bulk(&digits);
        }
        self.root().write(reply);
        reply.bulk(b"selectors");
        reply.array(self.selectors.len() - 1);
        for selector in &self.selectors[1..] {
            reply.map(3);
            selector.write(reply);
        }
    }
}

impl Selector {
    fn write(&self, reply: &mut Encoder<'_>) {
        let mut text = Vec::new();
        reply.bulk(b"commands");
        self.commands.describe(&mut text);
        reply.bulk(&text);
        text.clear();
        reply.bulk(b"keys");
        self.describe_keys(&mut text);
        reply.bulk(&text);
        text.clear();
        reply.bulk(b"channels");
        self.describe_channels(&mut text);
        reply.bulk(&text);
    }
}
