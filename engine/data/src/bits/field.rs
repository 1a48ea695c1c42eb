//! Integers of any width at any bit: BITFIELD.

/// How the bits of a field are read as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// From 0 on; at most 63 bits.
    Unsigned,
    /// In two's complement; at most 64 bits.
    Signed,
}

/// What happens to a number that a field has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits are kept.
    Wrap,
    /// The nearest number is taken for which there is room.
    Saturate,
    /// Nothing is written.
    Fail,
}

/// Bytes that a field of 64 bits touches at the most.
const WINDOW: usize = 9;

/// Where a field is, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    kind: FieldKind,
    bits: u32,
    /// Its first bit.
    offset: u64,
}

impl Field {
    /// A field of `bits` bits from bit `offset` on; `None` for a width that there isn't.
    #[must_use]
    pub fn new(kind: FieldKind, bits: u32, offset: u64) -> Option<Field> {
        let bits_max = match kind {
            FieldKind::Unsigned => 63,
            FieldKind::Signed => 64,
        };
        (1..=bits_max).contains(&bits).then_some(Field { kind, bits, offset })
    }

    /// How long a string must be to hold the field, in bytes.
    #[must_use]
    pub fn end_byte(&self) -> u64 {
        (self.offset + u64::from(self.bits) - 1) / 8 + 1
    }

    /// The bits around the field, the first byte highest; zeros stand for what is beyond the end.
    fn window(&self, bytes: &[u8]) -> u128 {
        let start = usize::try_from(self.offset / 8).unwrap_or(usize::MAX);
        let inside = bytes.get(start..).unwrap_or_default();
        let inside = &inside[..inside.len().min(WINDOW)];
        let mut window = [0; 16];
        window[..inside.len()].copy_from_slice(inside);
        u128::from_be_bytes(window)
    }

    /// How far right of the window's end the field ends.
    fn shift(&self) -> u32 {
        u128::BITS - (self.offset % 8) as u32 - self.bits
    }

    fn mask(&self) -> u128 {
        (1 << self.bits) - 1
    }

    /// The number in the field; zeros stand for what is beyond the end.
    #[must_use]
    pub fn get(&self, bytes: &[u8]) -> i64 {
        let raw = ((self.window(bytes) >> self.shift()) & self.mask()) as u64;
        match self.kind {
            FieldKind::Unsigned => raw as i64,
            FieldKind::Signed => {
                let unused = u64::BITS - self.bits;
                (raw << unused) as i64 >> unused
            }
        }
    }

    /// Writes the low bits of a number.
    ///
    /// # Panics
    /// When the field reaches beyond the end.
    pub fn set(&self, bytes: &mut [u8], number: i64) {
        let window = self.window(bytes) & !(self.mask() << self.shift());
        let window = (window | (u128::from(number as u64) & self.mask()) << self.shift()).to_be_bytes();
        let (start, end) = ((self.offset / 8) as usize, self.end_byte() as usize);
        bytes[start..end].copy_from_slice(&window[..end - start]);
    }

    /// The number that `SET` with this operand writes.
    #[must_use]
    pub fn fitted(&self, operand: i64, overflow: Overflow) -> Option<i64> {
        let number = match self.kind {
            FieldKind::Unsigned => i128::from(operand as u64),
            FieldKind::Signed => i128::from(operand),
        };
        self.fit(number, overflow)
    }

    /// The number that `INCRBY` makes of `old`.
    #[must_use]
    pub fn incremented(&self, old: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(old) + i128::from(by), overflow)
    }

    fn fit(&self, number: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = match self.kind {
            FieldKind::Unsigned => (0, (1i128 << self.bits) - 1),
            FieldKind::Signed => (-(1i128 << (self.bits - 1)), (1i128 << (self.bits - 1)) - 1),
        };
        if (min..=max).contains(&number) {
            return Some(number as i64);
        }
        match overflow {
            Overflow::Fail => None,
            Overflow::Saturate => Some(number.clamp(min, max) as i64),
            Overflow::Wrap => {
                let low = number & ((1 << self.bits) - 1);
                Some(if low > max { low - (1 << self.bits) } else { low } as i64)
            }
        }
    }
}
