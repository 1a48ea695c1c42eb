//! `EINTR` is never seen above the seam: a signal handler that asks for no restart, and signals without end.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the peer is a plain blocking socket")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use common::{Node, run};

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn handle_without_restart() {
    // SAFETY: the action is zeroed (a valid empty one) and filled in; the handler only adds to an atomic, which is safe in
    // a signal handler.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
}

#[test]
fn a_hail_of_signals_breaks_nothing() {
    const ROUND_TRIPS: usize = 5_000;
    const SIGNALS: usize = 1_000;
    // How many signals arrive depends on how busy the machine is: it goes on until there were enough.
    const LAST: usize = usize::MAX;
    handle_without_restart();
    run(|mut node: Node| async move {
        let (listener, address) = node.listen();
        // SAFETY: pthread_self has no preconditions, and this thread outlives the one that signals it: it joins it below.
        let this_thread = unsafe { libc::pthread_self() };
        let done = Arc::new(AtomicBool::new(false));
        let hail = thread::spawn({
            let done = Arc::clone(&done);
            move || {
                while !done.load(Ordering::Relaxed) {
                    // SAFETY: the thread is alive, as said above.
                    assert_eq!(unsafe { libc::pthread_kill(this_thread, libc::SIGUSR1) }, 0);
                    thread::yield_now();
                }
            }
        });
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let enough = |n| n >= ROUND_TRIPS && HANDLED.load(Ordering::Relaxed) >= SIGNALS;
            for n in (0..).take_while(|n| !enough(*n)).chain([LAST]) {
                stream.write_all(&n.to_le_bytes()).unwrap();
                let mut echoed = [0; 8];
                stream.read_exact(&mut echoed).unwrap();
                assert_eq!(usize::from_le_bytes(echoed), n);
            }
        });
        let server = node.accept(listener).await;
        loop {
            let bytes = node.read_exactly(server, 8).await;
            node.write_all(server, &bytes).await.unwrap();
            if bytes == LAST.to_le_bytes() {
                break;
            }
        }
        client.join().unwrap();
        done.store(true, Ordering::Relaxed);
        hail.join().unwrap();
    });
}
