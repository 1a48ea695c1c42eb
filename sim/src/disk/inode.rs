//! One file: its bytes in the page cache, and those on the platter.

use std::collections::BTreeMap;

use crate::entropy::Stream;

/// What a disk writes as a whole, if nothing goes wrong.
const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Inode {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that were written since they were last written back or given up, and the number of the write.
    dirty: BTreeMap<usize, u64>,
    /// The length was changed since it was last made durable: by which write.
    resized: Option<u64>,
    writes: u64,
    /// Up to this write everything was made durable once.
    settled: u64,
}

/// What a sync covers: sectors as they were when it began.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    writes: u64,
    sectors: Vec<(usize, Vec<u8>)>,
    len: usize,
}

impl Inode {
    pub(crate) fn len(&self) -> u64 {
        self.cached.len() as u64
    }

    pub(crate) fn read_at(&self, offset: u64, len: usize) -> Vec<u8> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.cached.len());
        self.cached[from..from.saturating_add(len).min(self.cached.len())].to_vec()
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let from = self.cached.len();
        self.cached.extend_from_slice(bytes);
        self.touch(from, self.cached.len());
    }

    pub(crate) fn write_again(&mut self, from: u64) {
        let len = self.cached.len();
        self.touch(usize::try_from(from).unwrap_or(usize::MAX).min(len), len);
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        let len = usize::try_from(len).expect("simulated files fit into memory");
        let old = self.cached.len();
        self.cached.resize(len, 0);
        self.touch(old.min(len), old.max(len).min(len + SECTOR));
        self.dirty.retain(|sector, _| sector * SECTOR < len.max(1));
    }

    fn touch(&mut self, from: usize, to: usize) {
        self.writes += 1;
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            self.dirty.insert(sector, self.writes);
        }
        self.resized = Some(self.writes);
    }

    pub(crate) fn dirty_bytes(&self) -> u64 {
        (self.dirty.len() * SECTOR) as u64
    }

    fn sector(bytes: &[u8], sector: usize) -> &[u8] {
        let from = (sector * SECTOR).min(bytes.len());
        &bytes[from..(from + SECTOR).min(bytes.len())]
    }

    pub(crate) fn mark(&self) -> Mark {
        let sectors = self.dirty.keys().map(|at| (*at, Self::sector(&self.cached, *at).to_vec())).collect();
        Mark { writes: self.writes, sectors, len: self.cached.len() }
    }

    /// The pages that the mark covers count as clean from here on.
    pub(crate) fn forget(&mut self, mark: &Mark) {
        self.dirty.retain(|_, write| *write > mark.writes);
        if self.resized.is_some_and(|write| write <= mark.writes) {
            self.resized = None;
        }
    }

    pub(crate) fn make_durable(&mut self, mark: Mark) {
        self.forget(&mark);
        // A sync that ends after one that began later, perhaps that of another process, has nothing to add and takes nothing back.
        if mark.writes < self.settled {
            return;
        }
        self.settled = mark.writes;
        self.durable.resize(mark.len, 0);
        for (sector, bytes) in mark.sectors {
            Self::put(&mut self.durable, sector, &bytes);
        }
    }

    /// Writes a sector's bytes where the file has them.
    fn put(file: &mut [u8], sector: usize, bytes: &[u8]) {
        let from = (sector * SECTOR).min(file.len());
        let to = (from + bytes.len()).min(file.len());
        file[from..to].copy_from_slice(&bytes[..to - from]);
    }

    pub(crate) fn lose_power(&mut self, survives: f64, torn: f64, chance: &mut Stream) {
        if self.resized.is_some() {
            let (short, long) = (self.durable.len().min(self.cached.len()), self.durable.len().max(self.cached.len()));
            // The length that was, the length that should be, or that of some write in between.
            let len = match chance.below(3) {
                0 => self.durable.len(),
                1 => self.cached.len(),
                _ => short + chance.below((long - short) as u64 + 1) as usize,
            };
            self.durable.resize(len, 0);
        }
        for sector in std::mem::take(&mut self.dirty).into_keys() {
            if chance.chance(survives) {
                let mut bytes = Self::sector(&self.cached, sector);
                if chance.chance(torn) {
                    bytes = &bytes[..chance.below(bytes.len() as u64 + 1) as usize];
                }
                Self::put(&mut self.durable, sector, bytes);
            }
        }
        self.cached = self.durable.clone();
        self.resized = None;
        self.settled = self.writes;
    }

    pub(crate) fn rot(&mut self, at: u64) {
        let bit = (at % (self.len() * 8)) as usize;
        self.cached[bit / 8] ^= 1 << (bit % 8);
        if let Some(byte) = self.durable.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_that_ends_after_a_later_one_takes_nothing_back() {
        let mut inode = Inode::default();
        inode.append(b"of a life that was killed");
        let early = inode.mark();
        inode.append(b", and of the next");
        let late = inode.mark();
        inode.make_durable(late);
        inode.make_durable(early);
        assert_eq!(inode.durable, inode.cached);
        inode.append(b"!");
        let last = inode.mark();
        inode.make_durable(last);
        assert_eq!(inode.durable, inode.cached);
    }
}
