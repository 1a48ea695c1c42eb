//! The task that writes the append-only file: it owns the open file and the manifest, and carries out one step after another.
//!
//! It alone touches the files while a log is open. What a step has come to it notes where the loop looks ([`Shared`]); it never
//! waits for the loop, and the loop never for it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::Poll;

use refrain_persist::{Salt, seal, stamp};
use refrain_runtime::{Disk, File, Open};

use super::{Carried, OpenFile, Order, Shared, Step};
use crate::persistence::aof_files::AofFiles;

/// The task.
pub(super) struct Writer<D: Disk> {
    disk: D,
    files: AofFiles,
    file: Option<D::File>,
    /// What the file's seals are made with: as long as there is no file, nothing.
    salt: Option<Salt>,
    /// Bytes of the file that are whole pieces, and bytes of it that are known to be durable.
    len: u64,
    durable_len: u64,
    /// The manifest names the file. Otherwise nothing that is written counts before a base is adopted.
    is_named: bool,
    /// A base of what came before the last switch may be adopted: that switch has succeeded, and nothing was adopted since.
    may_adopt: bool,
    /// The second that the file says it is.
    stamped: Option<u64>,
    shared: Rc<RefCell<Shared>>,
}

impl<D: Disk> Writer<D> {
    /// `file` is the last one that the files name.
    pub(super) fn new(
        disk: D,
        files: AofFiles,
        file: Option<OpenFile<D::File>>,
        shared: Rc<RefCell<Shared>>,
    ) -> Writer<D> {
        let (file, salt, len) =
            file.map_or((None, None, 0), |OpenFile { file, salt, len }| (Some(file), Some(salt), len));
        // What was found at the start is as good as durable: it was read.
        let (is_named, durable_len) = (file.is_some(), len);
        Writer { disk, files, file, salt, len, durable_len, is_named, may_adopt: false, stamped: None, shared }
    }

    /// Until it was told to close.
    pub(super) async fn run(mut self) {
        loop {
            let shared = Rc::clone(&self.shared);
            // The loop polls its jobs in every round, whatever has happened: nobody need wake this one.
            let step = poll_fn(|_| {
                let shared = &mut *shared.borrow_mut();
                match shared.next() {
                    Some(step) => {
                        shared.is_busy = true;
                        Poll::Ready(step)
                    }
                    None => {
                        shared.is_busy = false;
                        Poll::Pending
                    }
                }
            })
            .await;
            match step {
                Step::Append { bytes, sync } => self.append(bytes, sync).await,
                Step::Sync => self.sync().await,
                Step::Order(Order::Switch { at, salt }) => self.switch(at, salt).await,
                Step::Order(Order::Adopt { base, is_rdb }) => self.adopt(base, is_rdb).await,
                Step::Order(Order::ForgetHistory) => {
                    let unneeded = self.files.left_behind(&self.files);
                    if self.is_named && !unneeded.is_empty() {
                        self.forget(unneeded).await;
                    }
                }
                Step::Order(Order::Close) => {
                    self.say_all_is_durable().await;
                    self.shared.borrow_mut().carried(Carried::Closed);
                    return;
                }
            }
        }
    }

    async fn append(&mut self, mut piece: Vec<u8>, sync: bool) {
        let Some(file) = self.file.clone() else { unreachable!("there is a file from the first switch on") };
        let unix_s = self.shared.borrow().unix_s;
        let second = unix_s.filter(|_| unix_s != self.stamped);
        self.stamped = unix_s;
        let seal = seal(self.salt, &second.map(stamp).unwrap_or_default(), &piece, self.durable_len);
        let len = (seal.len() + piece.len()) as u64;
        loop {
            let appended = file.append_headed(seal.clone(), piece, sync).await;
            piece = appended.bytes;
            if appended.written as u64 == len {
                self.shared.borrow_mut().waiting.give_back(piece);
                self.written(len, sync, &appended.outcome);
                return;
            }
            let error = appended.outcome.err().map_or_else(|| "a short write".to_owned(), |error| error.to_string());
            self.write_failed(error);
            // Cut to the last whole batch, it takes this one again.
            self.until_try_again().await;
            while let Err(error) = file.set_len(self.len).await {
                self.write_failed(error.to_string());
                self.until_try_again().await;
            }
        }
    }

    /// A piece is in the file, with its seal.
    fn written(&mut self, len: u64, sync: bool, outcome: &io::Result<()>) {
        self.len += len;
        let shared = &mut *self.shared.borrow_mut();
        shared.written += shared.in_flight;
        shared.in_flight = 0;
        shared.size += len;
        shared.changed |= shared.write_error.take().is_some();
        match outcome {
            Ok(()) if sync => {
                if shared.sync_succeeded() {
                    self.durable_len = self.len;
                }
            }
            Ok(()) => {}
            Err(error) => shared.sync_failed(error),
        }
    }

    /// The last seal of a file says that everything before it is durable, so that whoever finds it otherwise knows that it is damage.
    /// What becomes of this seal itself matters to nobody.
    async fn say_all_is_durable(&self) {
        if let Some(file) = &self.file
            && self.durable_len == self.len
        {
            let _ = file.append(seal(self.salt, b"", b"", self.durable_len), true).await;
        }
    }

    fn write_failed(&self, error: String) {
        let shared = &mut *self.shared.borrow_mut();
        (shared.write_error, shared.changed) = (Some(error), true);
    }

    async fn until_try_again(&self) {
        self.shared.borrow_mut().try_again = false;
        poll_fn(|_| if self.shared.borrow().try_again { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn sync(&mut self) {
        let Some(file) = &self.file else { unreachable!("there is a file from the first switch on") };
        let outcome = file.sync().await;
        let shared = &mut *self.shared.borrow_mut();
        match outcome {
            Ok(()) if shared.sync_succeeded() => self.durable_len = self.len,
            Ok(()) => {}
            Err(error) => shared.sync_failed(&error),
        }
    }

    /// A new file takes what comes from here on. Until the manifest that names it has been begun to be put in its place,
    /// nothing has happened; from then on there is no way back, for nobody knows which of the two would be found.
    async fn switch(&mut self, at: u64, salt: Salt) {
        self.may_adopt = false;
        let (name, next) = self.files.with_new_incremental();
        let unix_s = self.shared.borrow().unix_s;
        let (file, len) = match next.make_incremental(&self.disk, &name, salt, unix_s).await {
            Ok(made) => made,
            Err(error) => return self.shared.borrow_mut().carried(Carried::NotSwitched(error.to_string())),
        };
        // A file that follows one that is not whole must not be named: a start would find that one damaged, and not the last.
        let follows_whole = self.is_named && self.shared.borrow().sync_error.is_none();
        if follows_whole {
            if let Err(error) = next.write_aside(&self.disk).await {
                return self.shared.borrow_mut().carried(Carried::NotSwitched(error.to_string()));
            }
            while let Err(error) = next.publish(&self.disk).await {
                self.write_failed(error.to_string());
                self.until_try_again().await;
            }
            self.shared.borrow_mut().write_error = None;
        }
        (self.files, self.file, self.salt) = (next, Some(file), Some(salt));
        (self.len, self.durable_len) = (len, len);
        (self.stamped, self.may_adopt, self.is_named) = (unix_s, true, follows_whole);
        let shared = &mut *self.shared.borrow_mut();
        (shared.switched_at, shared.has_file) = (at, true);
        shared.carried(Carried::Switched);
    }

    async fn adopt(&mut self, base: PathBuf, is_rdb: bool) {
        if !std::mem::take(&mut self.may_adopt) {
            // What the file has from before the snapshot would be executed twice.
            let why = "the append-only file was not continued in a new one".to_owned();
            return self.shared.borrow_mut().carried(Carried::NotAdopted(why));
        }
        let size = match self.disk.open(&base, Open::Read).await {
            Ok(file) => file.size().await.unwrap_or(0),
            Err(error) => return self.shared.borrow_mut().carried(Carried::NotAdopted(error.to_string())),
        };
        let (name, next) = self.files.with_new_base(is_rdb);
        let named = self.disk.rename(&base, &self.files.path(&name)).await;
        let prepared = match named {
            Ok(()) => match self.disk.sync_directory(self.files.folder()).await {
                Ok(()) => next.write_aside(&self.disk).await,
                failed => failed,
            },
            failed => failed,
        };
        if let Err(error) = prepared {
            return self.shared.borrow_mut().carried(Carried::NotAdopted(error.to_string()));
        }
        while let Err(error) = next.publish(&self.disk).await {
            self.write_failed(error.to_string());
            self.until_try_again().await;
        }
        self.is_named = true;
        let unneeded = self.files.left_behind(&next);
        self.files = next;
        {
            let shared = &mut *self.shared.borrow_mut();
            (shared.base_size, shared.size) = (size, size + self.len);
            shared.write_error = None;
            shared.base_is_durable();
        }
        if !self.shared.borrow().keeps_history {
            self.forget(unneeded).await;
        }
        self.shared.borrow_mut().carried(Carried::Adopted);
    }

    /// Removes files, and the history that the manifest knows.
    async fn forget(&mut self, unneeded: Vec<String>) {
        for name in unneeded {
            // One that stays is in nobody's way.
            let _ = self.disk.remove(&self.files.path(&name)).await;
        }
        let mut next = self.files.clone();
        next.drop_history();
        if next.write_aside(&self.disk).await.is_err() {
            // The next rewrite does it.
            return;
        }
        self.files = next;
        while let Err(error) = self.files.publish(&self.disk).await {
            self.write_failed(error.to_string());
            self.until_try_again().await;
        }
        self.shared.borrow_mut().write_error = None;
    }
}
