//! CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO.

use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX, printable};
use crate::session::Closing;
use crate::tracking::{Choice, Options, Redirect, Tracker};

/// CLIENT TRACKING ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
pub fn tracking(call: &mut Call<'_>) -> Outcome {
    let asked = Asked::parse(call)?;
    if call.args.is(2, "ON") {
        let (options, prefixes) = asked.check(call)?;
        call.state.track(call.session, options, prefixes.into_iter());
    } else if call.args.is(2, "OFF") {
        call.state.untrack(call.session);
    } else {
        return Err(SYNTAX);
    }
    call.reply().ok();
    Ok(())
}

/// What was asked for, whether or not it makes sense.
#[derive(Default)]
struct Asked<'a> {
    redirect: Option<Redirect>,
    prefixes: Vec<&'a [u8]>,
    broadcast: bool,
    optin: bool,
    optout: bool,
    noloop: bool,
}

impl<'a> Asked<'a> {
    fn parse(call: &Call<'a>) -> Result<Asked<'a>, ErrorReply> {
        let mut asked = Asked::default();
        let mut i = 3;
        while i < call.args.len() {
            let value = call.args.get(i + 1);
            if call.args.is(i, "REDIRECT") && value.is_some() {
                if asked.redirect.is_some() {
                    return Err(ErrorReply::new("ERR A client can only redirect to a single other client"));
                }
                let id = call.integer(i + 1)?;
                let gone = ErrorReply::new("ERR The client ID you want redirect to does not exist");
                asked.redirect = Some(client(call, id).ok_or(gone)?);
                i += 1;
            } else if let (true, Some(prefix)) = (call.args.is(i, "PREFIX"), value) {
                asked.prefixes.push(prefix);
                i += 1;
            } else if call.args.is(i, "BCAST") {
                asked.broadcast = true;
            } else if call.args.is(i, "OPTIN") {
                asked.optin = true;
            } else if call.args.is(i, "OPTOUT") {
                asked.optout = true;
            } else if call.args.is(i, "NOLOOP") {
                asked.noloop = true;
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(asked)
    }

    /// Whether the options go together, and with what the client has now.
    fn check(self, call: &Call<'_>) -> Result<(Options, Vec<&'a [u8]>), ErrorReply> {
        let refused = |text| Err(ErrorReply::new(text));
        let Asked { redirect, mut prefixes, broadcast, optin, optout, noloop } = self;
        let present = call.state.tracking.of(call.session.handle);
        if !broadcast && !prefixes.is_empty() {
            return refused("ERR PREFIX option requires BCAST mode to be enabled");
        }
        if present.is_some_and(|t| t.options.broadcast != broadcast) {
            return refused(
                "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
                 with a different mode.",
            );
        }
        if broadcast && (optin || optout) {
            return refused("ERR OPTIN and OPTOUT are not compatible with BCAST");
        }
        if optin && optout {
            return refused("ERR You can't specify both OPTIN mode and OPTOUT mode");
        }
        let was = present.map_or(Choice::All, |t| t.options.choice);
        if optin && was == Choice::OptOut || optout && was == Choice::OptIn {
            return refused(
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
                 with a different mode.",
            );
        }
        if broadcast {
            check_overlap(&prefixes, present)?;
            if prefixes.is_empty() {
                prefixes.push(b"");
            }
        }
        let choice = match (optin, optout) {
            (true, _) => Choice::OptIn,
            (_, true) => Choice::OptOut,
            _ => Choice::All,
        };
        Ok((Options { broadcast, choice, noloop, redirect }, prefixes))
    }
}

/// The client of that id, itself included, unless it is about to go.
fn client(call: &Call<'_>, id: i64) -> Option<Redirect> {
    let client_id = u64::try_from(id).ok()?;
    let mut all = call.state.sessions.iter().chain([&*call.session]);
    let session = all.find(|s| s.id == client_id && s.closing == Closing::Open)?.handle;
    Some(Redirect { client_id, session })
}

/// No two prefixes of a client may cover the same key, for it would be told twice.
fn check_overlap(prefixes: &[&[u8]], present: Option<&Tracker>) -> Outcome {
    let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let refused = |prefix: &[u8], which: &str, other: &[u8]| {
        let text = [
            b"ERR Prefix '",
            printable(prefix),
            which.as_bytes(),
            printable(other),
            b"'. Prefixes for a single client must not overlap.",
        ];
        Err(ErrorReply::owned(text.concat()))
    };
    for (i, prefix) in prefixes.iter().enumerate() {
        let existing = present.and_then(|t| t.prefixes.iter().find(|other| overlap(prefix, other)));
        if let Some(other) = existing {
            return refused(prefix, "' overlaps with an existing prefix '", other);
        }
        if let Some(other) = prefixes[i + 1..].iter().find(|other| overlap(prefix, other)) {
            return refused(prefix, "' overlaps with another provided prefix '", other);
        }
    }
    Ok(())
}

/// CLIENT CACHING YES | NO
pub fn caching(call: &mut Call<'_>) -> Outcome {
    let Some(tracker) = call.state.tracking.of(call.session.handle) else {
        return Err(ErrorReply::new(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    let choice = tracker.options.choice;
    if call.args.is(2, "YES") {
        if choice != Choice::OptIn {
            return Err(ErrorReply::new(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if call.args.is(2, "NO") {
        if choice != Choice::OptOut {
            return Err(ErrorReply::new(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(SYNTAX);
    }
    call.state.tracking.set_caching(call.session.handle, true);
    call.state.after_reply = true;
    call.reply().ok();
    Ok(())
}

/// What GETREDIR and TRACKINGINFO say: another client, 0 for none, -1 without tracking.
pub(super) fn redirection(tracker: Option<&Tracker>) -> i64 {
    tracker.map_or(-1, |t| t.options.redirect.map_or(0, |r| r.client_id as i64))
}

/// CLIENT GETREDIR
pub fn getredir(call: &mut Call<'_>) -> Outcome {
    let redirection = redirection(call.state.tracking.of(call.session.handle));
    call.reply().integer(redirection);
    Ok(())
}

/// CLIENT TRACKINGINFO
pub fn trackinginfo(call: &mut Call<'_>) -> Outcome {
    let tracker = call.state.tracking.of(call.session.handle);
    let is = |test: fn(&Tracker) -> bool| tracker.is_some_and(test);
    let flags = [
        (tracker.is_none(), "off"),
        (tracker.is_some(), "on"),
        (is(|t| t.options.broadcast), "bcast"),
        (is(|t| t.options.choice == Choice::OptIn), "optin"),
        (is(|t| t.options.choice == Choice::OptIn && t.caching), "caching-yes"),
        (is(|t| t.options.choice == Choice::OptOut), "optout"),
        (is(|t| t.options.choice == Choice::OptOut && t.caching), "caching-no"),
        (is(|t| t.options.noloop), "noloop"),
        (is(|t| t.broken), "broken_redirect"),
    ];
    let flags: Vec<&str> = flags.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
    let mut reply = call.session.reply();
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(redirection(tracker));
    reply.bulk(b"prefixes");
    reply.array(tracker.map_or(0, |t| t.prefixes.len()));
    tracker.into_iter().flat_map(|t| &t.prefixes).for_each(|prefix| reply.bulk(prefix));
    Ok(())
}
