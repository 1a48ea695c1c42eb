//! An operator who reads SLOWLOG now and then. What it names is recorded.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::record::overload::SlowEntry;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct SlowlogReader {
        ; each
        /// Pause between looks, in milliseconds.
        pause_ms: Span,
    }
}

/// Entries asked for at once.
const ENTRIES: &str = "128";

/// How long a reply is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Works until the first phase is over, and looks once more.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &SlowlogReader) {
    let mut last = false;
    while !last {
        last = !context.working();
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        if !context.plan.skips(batch)
            && client.connect_while(|| true).await
            && let Err(loss) = look(client, context).await
        {
            client.close();
            context.lost(&loss);
        }
        client.sleep(Duration::from_millis(p.pause_ms.pick_u64(&mut stream))).await;
    }
}

async fn look<R: Runtime>(client: &mut Client<R>, context: &Context) -> Result<(), Loss> {
    let deadline = client.now() + PATIENCE;
    client.send(&["SLOWLOG", "GET", ENTRIES]);
    let reply = client.receive(deadline).await?;
    let now = context.now();
    let mut record = context.record.borrow_mut();
    match entries(&reply) {
        Some(entries) => record.overload.logged(entries),
        None => record.unexpected(now, &context.plan.name, "SLOWLOG GET", &reply),
    }
    Ok(())
}

/// The entries of a reply to SLOWLOG GET: id, unix time, microseconds, arguments, address, name.
fn entries(reply: &Reply) -> Option<Vec<SlowEntry>> {
    let Reply::Array(entries) = reply else { return None };
    entries.iter().map(entry).collect()
}

fn entry(reply: &Reply) -> Option<SlowEntry> {
    let Reply::Array(fields) = reply else { return None };
    let [Reply::Integer(id), Reply::Integer(_), Reply::Integer(us), Reply::Array(words), _, Reply::Bulk(name)] =
        &fields[..]
    else {
        return None;
    };
    let Reply::Bulk(command) = words.first()? else { return None };
    Some(SlowEntry {
        id: *id,
        us: *us,
        command: String::from_utf8_lossy(command).to_uppercase(),
        client: String::from_utf8_lossy(name).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_resp::decode;

    #[test]
    fn an_entry_is_read_field_by_field() {
        let wire = b"*1\r\n*6\r\n:7\r\n:1700000000\r\n:15000\r\n*2\r\n$4\r\nkeys\r\n$1\r\n*\r\n$9\r\n1.2.3.4:5\r\n$7\r\nheavy-1\r\n";
        let (reply, _) = decode(wire).unwrap().unwrap();
        let expected = SlowEntry { id: 7, us: 15000, command: "KEYS".into(), client: "heavy-1".into() };
        assert_eq!(entries(&reply), Some(vec![expected]));
        assert_eq!(entries(&Reply::Array(vec![Reply::Null])), None);
    }
}
