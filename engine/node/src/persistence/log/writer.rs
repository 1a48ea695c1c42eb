//! The task that writes the append-only file: it owns the open file and knows what the manifest names, and carries out one step after
//! another, syncs and changes of the files beside them.
//!
//! It alone touches the files while a log is open. What a step has come to it notes where the loop looks ([`Shared`]); it never
//! waits for the loop, and the loop never for it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use refrain_core::system_text;
use refrain_persist::{Salt, seal, stamp};
use refrain_runtime::{Disk, File};

use super::changes::{Change, Changed, Next, adopt, forget, make_next, publish, until_try_again};
use super::shared::{Shared, Step};
use super::{Carried, OpenFile, Order};
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
    /// What the next switch puts in use.
    next: Option<Next<D::File>>,
    /// A sync in the background.
    syncing: Option<Syncing>,
    /// A change of which files there are.
    change: Option<Change<D::File>>,
    shared: Rc<RefCell<Shared>>,
}

struct Syncing {
    outcome: Pin<Box<dyn Future<Output = io::Result<()>>>>,
    /// It covers so many bytes of the file.
    len: u64,
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
        Writer {
            disk,
            files,
            // What was found at the start is as good as durable: it was read.
            is_named: file.is_some(),
            durable_len: len,
            file,
            salt,
            len,
            may_adopt: false,
            stamped: None,
            next: None,
            syncing: None,
            change: None,
            shared,
        }
    }

    /// Until it was told to close.
    pub(super) async fn run(mut self) {
        loop {
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Append { bytes, sync } => self.append(bytes, sync).await,
                Step::BeginSync => {
                    let file = self.file.as_ref().expect("there is a file from the first switch on");
                    self.syncing = Some(Syncing { outcome: Box::pin(file.sync()), len: self.len });
                }
                Step::Order(Order::Switch { at }) => self.switch(at).await,
                Step::Order(Order::Close) => {
                    self.close().await;
                    return;
                }
                Step::Order(change) => self.begin_change(change),
            }
        }
    }

    /// The next step. The loop polls its jobs in every round, whatever has happened: nobody need wake this one.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let _ = self.poll_sync(cx);
        self.poll_changes(cx);
        let shared = &mut *self.shared.borrow_mut();
        let step = shared.next();
        shared.is_writing = step.is_some();
        step.map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_changes(&mut self, cx: &mut Context<'_>) {
        while let Some(change) = &mut self.change
            && let Poll::Ready(changed) = change.as_mut().poll(cx)
        {
            self.change = None;
            self.changed(changed);
        }
    }

    fn poll_sync(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(syncing) = &mut self.syncing else { return Poll::Ready(()) };
        let Poll::Ready(outcome) = syncing.outcome.as_mut().poll(cx) else { return Poll::Pending };
        if self.shared.borrow_mut().sync_ended(&outcome) {
            self.durable_len = syncing.len;
        }
        self.syncing = None;
        Poll::Ready(())
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
            let error = appended.outcome.err().map_or_else(|| "a short write".to_owned(), |error| system_text(&error));
            self.write_failed(error);
            // Cut to the last whole batch, it takes this one again. A file's changes come one after the other.
            poll_fn(|cx| self.poll_sync(cx)).await;
            self.until_try_again().await;
            while let Err(error) = file.set_len(self.len).await {
                self.write_failed(system_text(&error));
                self.until_try_again().await;
            }
        }
    }

    /// Until it is time to try again to write. Changes of files go on meanwhile: one of them may make room, and one that fails is said
    /// to have.
    async fn until_try_again(&mut self) {
        let shared = Rc::clone(&self.shared);
        let mut time = pin!(until_try_again(&shared));
        poll_fn(|cx| {
            self.poll_changes(cx);
            let order = self.shared.borrow_mut().next_change();
            if let Some(order) = order {
                self.begin_change(order);
                self.poll_changes(cx);
            }
            time.as_mut().poll(cx)
        })
        .await;
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
                if shared.sync_succeeded(shared.written) {
                    self.durable_len = self.len;
                }
            }
            Ok(()) => {}
            Err(error) => shared.sync_failed(error),
        }
    }

    fn write_failed(&self, error: String) {
        let shared = &mut *self.shared.borrow_mut();
        (shared.write_error, shared.changed) = (Some(error), true);
    }

    fn begin_change(&mut self, order: Order) {
        match order {
            Order::MakeNext { salt } => self.begin_next(salt),
            Order::Adopt { base, is_rdb } => self.begin_adopting(base, is_rdb),
            Order::ForgetHistory => {
                let unneeded = if self.is_named { self.files.left_behind(&self.files) } else { Vec::new() };
                match unneeded.is_empty() {
                    true => self.shared.borrow_mut().is_changing = false,
                    false => self.begin_forgetting(unneeded, false),
                }
            }
            Order::Switch { .. } | Order::Close => unreachable!("they are no change beside the writes"),
        }
    }

    /// A file that was made and not used is used by the next switch, whoever wanted it.
    fn begin_next(&mut self, salt: Salt) {
        let shared = &mut *self.shared.borrow_mut();
        if self.next.is_some() {
            shared.is_changing = false;
            return shared.next_is_made();
        }
        // Where the file is not named, the manifest that adopts the base names the next one.
        let names = self.is_named && shared.sync_error.is_none();
        let making = make_next(self.disk.clone(), self.files.clone(), salt, shared.unix_s, names);
        self.change = Some(Box::pin(async move { Changed::Made(making.await) }));
    }

    fn begin_adopting(&mut self, base: PathBuf, is_rdb: bool) {
        if !std::mem::take(&mut self.may_adopt) {
            // What the file has from before the snapshot would be executed twice.
            let why = "the append-only file was not continued in a new one".to_owned();
            return self.changed(Changed::Adopted(Err(why)));
        }
        let adopting = adopt(self.disk.clone(), self.files.clone(), base, is_rdb, Rc::clone(&self.shared));
        self.change = Some(Box::pin(async move { Changed::Adopted(adopting.await) }));
    }

    /// What is written to the new file is there if the process ends, and durable when its name is.
    fn begin_naming(&mut self, files: AofFiles) {
        let (disk, shared) = (self.disk.clone(), Rc::clone(&self.shared));
        {
            let shared = &mut *shared.borrow_mut();
            (shared.is_changing, shared.is_naming) = (true, true);
        }
        self.change = Some(Box::pin(async move {
            publish(&disk, &files, Ok(()), &shared).await;
            Changed::Named
        }));
    }

    fn begin_forgetting(&mut self, unneeded: Vec<String>, after_adopting: bool) {
        let forgetting = forget(self.disk.clone(), self.files.clone(), unneeded, Rc::clone(&self.shared));
        let forgotten = async move { Changed::Forgotten { files: forgetting.await, after_adopting } };
        self.change = Some(Box::pin(forgotten));
    }

    /// A change has ended. Another may begin with that.
    fn changed(&mut self, changed: Changed<D::File>) {
        if !matches!(changed, Changed::Made(_))
            && let Some(next) = &mut self.next
        {
            // The manifest that lay aside has been written over.
            next.is_named_aside = false;
        }
        let mut carried = None;
        match changed {
            Changed::Made(Ok(next)) => {
                self.next = Some(next);
                self.shared.borrow_mut().next_is_made();
            }
            Changed::Named => self.shared.borrow_mut().is_naming = false,
            Changed::Made(Err(error)) => carried = Some(Carried::NextNotMade(system_text(&error))),
            Changed::Adopted(Err(why)) => carried = Some(Carried::NotAdopted(why)),
            Changed::Adopted(Ok(adopted)) => {
                (self.files, self.is_named) = (adopted.files, true);
                let forgets = {
                    let shared = &mut *self.shared.borrow_mut();
                    (shared.base_size, shared.size) = (adopted.size, adopted.size + self.len);
                    shared.base_is_durable();
                    !shared.keeps_history
                };
                if forgets {
                    return self.begin_forgetting(adopted.unneeded, true);
                }
                carried = Some(Carried::Adopted);
            }
            Changed::Forgotten { files, after_adopting } => {
                self.files = files;
                carried = after_adopting.then_some(Carried::Adopted);
            }
        }
        let shared = &mut *self.shared.borrow_mut();
        shared.is_changing = false;
        if let Some(carried) = carried {
            shared.carried(carried);
        }
    }

    /// The file that was made takes what comes from here on. Until the manifest that names it has been begun to be put in its place,
    /// nothing has happened; from then on there is no way back, for nobody knows which of the two would be found.
    async fn switch(&mut self, at: u64) {
        self.may_adopt = false;
        let made = self.next.take().expect("it was made before the switch was ordered");
        let (name, files) = self.files.with_new_incremental();
        assert_eq!(made.name, name, "no file has come behind the last one since");
        // A file that follows one that is not whole must not be named: a start would find that one damaged, and not the last.
        let follows_whole = self.is_named && self.shared.borrow().sync_error.is_none();
        if follows_whole {
            if !made.is_named_aside
                && let Err(error) = files.write_aside(&self.disk).await
            {
                self.next = Some(made);
                return self.shared.borrow_mut().carried(Carried::NotSwitched(system_text(&error)));
            }
            match files.rename_aside(&self.disk).await {
                Ok(()) => self.begin_naming(files.clone()),
                // As long as nothing names the new file nothing may be written to it.
                failed => publish(&self.disk, &files, failed, &self.shared).await,
            }
        }
        (self.files, self.file, self.salt) = (files, Some(made.file), Some(made.salt));
        (self.len, self.durable_len) = (made.len, made.len);
        (self.stamped, self.may_adopt, self.is_named) = (made.unix_s, true, follows_whole);
        let shared = &mut *self.shared.borrow_mut();
        (shared.switched_at, shared.has_file) = (at, true);
        shared.size += made.len;
        shared.carried(Carried::Switched);
    }

    /// Everything is in the file. The last seal says that everything before it is durable, so that whoever finds it otherwise knows that it
    /// is damage; what becomes of this seal itself matters to nobody.
    async fn close(&mut self) {
        if let Some(file) = &self.file
            && self.durable_len == self.len
        {
            let _ = file.append(seal(self.salt, b"", b"", self.durable_len), true).await;
        }
        if let Some(next) = self.next.take() {
            // Nothing has come for it. One that stays is in nobody's way.
            let _ = self.disk.remove(&self.files.path(&next.name)).await;
        }
        self.shared.borrow_mut().carried(Carried::Closed);
    }
}
