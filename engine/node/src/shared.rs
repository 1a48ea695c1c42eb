//! The sockets of a node, in two hands: the loop's, and those of the engine's hooks, which open and close listeners while a
//! command is executed.
//!
//! Both live on one thread and neither calls the other from within a call, so a borrow never meets another.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll};

use refrain_runtime::{Address, Mono, Peer, Readiness, Sockets, Token};

/// See the module. The methods are those of [`Sockets`].
pub(crate) struct SharedSockets<S>(Rc<RefCell<S>>);

impl<S> Clone for SharedSockets<S> {
    fn clone(&self) -> SharedSockets<S> {
        SharedSockets(Rc::clone(&self.0))
    }
}

impl<S: Sockets> SharedSockets<S> {
    pub fn new(sockets: S) -> SharedSockets<S> {
        SharedSockets(Rc::new(RefCell::new(sockets)))
    }

    pub fn listen(&self, address: &Address) -> io::Result<Token> {
        self.0.borrow_mut().listen(address)
    }

    pub fn accept(&self, listener: Token) -> io::Result<Token> {
        self.0.borrow_mut().accept(listener)
    }

    pub fn poll_ready(&self, cx: &mut Context<'_>, until: Mono, out: &mut Vec<Readiness>) -> Poll<()> {
        self.0.borrow_mut().poll_ready(cx, until, out)
    }

    #[inline]
    pub fn try_read(&self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().try_read(token, into)
    }

    #[inline]
    pub fn try_write(&self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.borrow_mut().try_write(token, from)
    }

    pub fn shutdown(&self, token: Token) {
        self.0.borrow_mut().shutdown(token);
    }

    pub fn close(&self, token: Token) {
        self.0.borrow_mut().close(token);
    }

    pub fn peer(&self, token: Token) -> Option<Peer> {
        self.0.borrow().peer(token).cloned()
    }
}
