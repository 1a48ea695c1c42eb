//! What the server asks itself: a command that only reads, executed for no client.
//!
//! Nothing of it is counted, propagated, or remembered. The answer is text, without the frame of the protocol.

use refrain_resp::{Parsed, Protocol, RequestParser, encode_command};

use crate::blocked::Run;
use crate::call::{Args, Call, KeyHashes, Propagation};
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::session::{Origin, Session, SessionId};
use crate::table::Flags;

impl<H: Hooks> Engine<H> {
    /// The text that `command` answers with, such as that of `INFO`; `None` for one that is unknown, may write, or fails.
    pub fn ask(&mut self, command: &[&[u8]]) -> Option<String> {
        let mut bytes = Vec::new();
        encode_command(&mut bytes, command);
        let mut offsets = Vec::new();
        let Ok(Parsed::Command { .. }) = RequestParser::default().parse(&bytes, &mut offsets, &Default::default())
        else {
            return None;
        };
        let args = Args::new(&bytes, &offsets);
        let found = self.state.table.resolve(args.len(), |i| args.at(i)).ok()?;
        if found.command.flags.contains(Flags::WRITE) {
            return None;
        }
        let nobody = SessionId { slot: u32::MAX, generation: u32::MAX };
        let origin =
            Origin { remote: String::new(), local: String::new(), is_local: true, is_unix: false, descriptor: -1 };
        let mut session = Session::new(nobody, 0, origin, self.state.now.mono_us);
        session.protocol = Protocol::Resp2;
        let mut call = Call {
            state: &mut self.state,
            session: &mut session,
            hooks: &self.hooks,
            args,
            command: found.command,
            hashes: KeyHashes::default(),
            run: Run::First,
            propagation: Propagation::Nothing,
            request: None,
        };
        (found.command.handler)(&mut call).ok()?;
        // A bulk string: a line with its length, the text, a line end.
        let reply = session.output.unsent();
        let text = reply.strip_prefix(b"$")?;
        let start = text.iter().position(|byte| *byte == b'\n')? + 1;
        Some(String::from_utf8_lossy(text[start..].strip_suffix(b"\r\n")?).into_owned())
    }
}
