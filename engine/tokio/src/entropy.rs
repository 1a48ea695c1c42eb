//! Unpredictable bits from the operating system, fetched a few hundred bytes at a time.
//!
//! A value is handed out once and wiped from the buffer. There is no fallback: a system that cannot give entropy cannot
//! run a server whose hash seeds and ids must not be guessed.

use std::io;

const BUFFERED: usize = 64;

/// Values fetched and not yet handed out.
#[derive(Debug)]
pub(crate) struct Entropy {
    values: [u64; BUFFERED],
    left: usize,
}

impl Entropy {
    pub(crate) const fn new() -> Entropy {
        Entropy { values: [0; BUFFERED], left: 0 }
    }

    pub(crate) fn next(&mut self) -> u64 {
        if self.left == 0 {
            let mut bytes = [0u8; BUFFERED * 8];
            fill(&mut bytes).expect("the kernel's random source is always there once the system is up");
            for (value, chunk) in self.values.iter_mut().zip(bytes.chunks_exact(8)) {
                *value = u64::from_ne_bytes(chunk.try_into().expect("chunks of eight bytes"));
            }
            self.left = BUFFERED;
        }
        self.left -= 1;
        std::mem::take(&mut self.values[self.left])
    }
}

fn fill(mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are those of one live, writable slice, and the call keeps neither.
        let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        match usize::try_from(got) {
            Ok(got) => bytes = &mut bytes[got..],
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_value_comes_twice() {
        let mut entropy = Entropy::new();
        let values: BTreeSet<u64> = (0..10 * BUFFERED).map(|_| entropy.next()).collect();
        assert_eq!(values.len(), 10 * BUFFERED, "a repeat among 640 values of 64 bits means that a buffer was reused");
        assert!(!values.contains(&0), "zero is what a wiped value looks like");
    }

    proptest! {
        /// Every byte of a slice of any length gets filled, and none beside it.
        #[test]
        fn fill_covers_the_slice_exactly(len in 0usize..2000) {
            let mut seen = vec![0u8; len];
            for _ in 0..16 {
                let mut bytes = vec![0u8; len + 16];
                fill(&mut bytes[8..8 + len]).unwrap();
                prop_assert!(bytes[..8].iter().chain(&bytes[8 + len..]).all(|b| *b == 0));
                for (seen, byte) in seen.iter_mut().zip(&bytes[8..]) {
                    *seen |= byte;
                }
            }
            prop_assert!(seen.iter().all(|b| *b != 0), "a byte stayed zero in sixteen draws");
        }
    }
}
