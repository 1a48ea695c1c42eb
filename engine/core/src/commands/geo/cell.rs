//! Places as geohashes: the earth cut in half again and again, by longitude and latitude in turn.
//!
//! A cell of `step` cuts each way has as many pairs of bits. Scores are the cells of 26 cuts, 52 bits, which a double holds
//! exactly; a cell of fewer cuts is a range of scores. Latitudes go as far as the web's maps do.

/// The longitude at the date line.
pub(super) const LONGITUDE_MAX: f64 = 180.0;

/// The latitude at which a map of the earth is a square.
pub(super) const LATITUDE_MAX: f64 = 85.051_128_78;

/// Cuts each way in a score.
pub(super) const STEP_MAX: u32 = 26;

/// Where something is, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) bits: u64,
    /// Cuts each way.
    pub(super) step: u32,
}

/// The ranges of a cell, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

/// Moves the bits of a number apart, so that there is room for another between them.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Takes every other bit, from the lowest on.
fn gather(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
    (bits | bits >> 16) as u32
}

impl Cell {
    /// The cell of a point on the map.
    pub(super) fn of(point: Point, step: u32) -> Cell {
        Cell::within(point, step, LATITUDE_MAX)
    }

    /// The cell of a point on a map that goes up to this latitude.
    fn within(point: Point, step: u32, latitude_max: f64) -> Cell {
        let place = |value: f64, max: f64| ((value + max) / (max + max) * (1u64 << step) as f64) as u32;
        let (row, column) = (place(point.latitude, latitude_max), place(point.longitude, LONGITUDE_MAX));
        Cell { bits: spread(row) | spread(column) << 1, step }
    }

    /// The cell of 26 cuts that a score is. ZADD may have given any: what is no cell becomes the one that it becomes in Redis, where
    /// the processor decides.
    pub(super) fn of_score(score: f64) -> Cell {
        const HALF: f64 = (1u64 << 63) as f64;
        let signed = |score: f64| if (-HALF..HALF).contains(&score) { score as i64 } else { i64::MIN };
        let bits = if score < HALF { signed(score) as u64 } else { signed(score - HALF) as u64 ^ 1 << 63 };
        Cell { bits, step: STEP_MAX }
    }

    /// The bits of a cell of 26 cuts: the lowest one in this cell.
    pub(super) fn lowest_score(self) -> u64 {
        self.bits << (52 - 2 * self.step)
    }

    /// The bits of the first cell of 26 cuts behind this one.
    pub(super) fn end_score(self) -> u64 {
        (self.bits + 1) << (52 - 2 * self.step)
    }

    pub(super) fn area(self) -> Area {
        let (row, column) = (gather(self.bits), gather(self.bits >> 1));
        let cells = (1u64 << self.step) as f64;
        let edge = |place: f64, max: f64| -max + place / cells * (max + max);
        Area {
            west: edge(f64::from(column), LONGITUDE_MAX),
            east: edge(f64::from(column) + 1.0, LONGITUDE_MAX),
            south: edge(f64::from(row), LATITUDE_MAX),
            north: edge(f64::from(row) + 1.0, LATITUDE_MAX),
        }
    }

    /// The point that stands for the cell: its middle.
    pub(super) fn point(self) -> Point {
        let area = self.area();
        let longitude = (area.west + area.east) / 2.0;
        let latitude = (area.south + area.north) / 2.0;
        Point {
            longitude: longitude.clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: latitude.clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// The cell so many columns to the east and rows to the north; the map goes on at its other side. A point at the map's very
    /// edge is in a row or a column beyond the last, which stays so unless it is left.
    pub(super) fn neighbour(self, east: i32, north: i32) -> Cell {
        let mask = ((1u64 << self.step) - 1) as u32;
        let moved = |place: u32, by: i32| if by == 0 { place } else { place.wrapping_add_signed(by) & mask };
        let (row, column) = (moved(gather(self.bits), north), moved(gather(self.bits >> 1), east));
        Cell { bits: spread(row) | spread(column) << 1, step: self.step }
    }
}

/// The standard geohash of a point, as text of 11 characters: latitudes go up to the pole there. The last character would take
/// more bits than there are, and is always the first of the alphabet.
pub(super) fn text(point: Point) -> [u8; 11] {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let bits = Cell::within(point, STEP_MAX, 90.0).bits;
    let mut text = [ALPHABET[0]; 11];
    for (i, letter) in text[..10].iter_mut().enumerate() {
        *letter = ALPHABET[(bits >> (52 - 5 * (i + 1)) & 31) as usize];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    const PALERMO: Point = Point { longitude: 13.361_389, latitude: 38.115_556 };

    #[test]
    fn a_known_place_has_its_known_bits() {
        let cell = Cell::of(PALERMO, STEP_MAX);
        assert_eq!(cell.bits, 3_479_099_956_230_698);
        assert_eq!(text(cell.point()), *b"sqc8b49rny0");
        assert_eq!(format!("{:.17}", cell.point().longitude), "13.36138933897018433");
        assert_eq!(format!("{:.17}", cell.point().latitude), "38.11555639549629859");
    }

    quickcheck! {
        fn bits_spread_and_gathered_are_the_same(number: u32) -> bool {
            gather(spread(number)) == number && gather(spread(number) << 1) == 0
        }

        fn a_cell_contains_its_point_and_lies_in_those_of_fewer_cuts(x: u16, y: u16, step: u8) -> bool {
            let point = Point {
                longitude: f64::from(x) / 65536.0 * 360.0 - 180.0,
                latitude: f64::from(y) / 65536.0 * 170.0 - 85.0,
            };
            let (fine, step) = (Cell::of(point, STEP_MAX), u32::from(step) % STEP_MAX + 1);
            let cell = Cell::of(point, step);
            let area = cell.area();
            area.west <= point.longitude && point.longitude <= area.east
                && area.south <= point.latitude && point.latitude <= area.north
                && (cell.lowest_score()..cell.end_score()).contains(&fine.bits)
        }

        fn neighbours_are_mutual(bits: u64, step: u8, east: bool) -> bool {
            let step = u32::from(step) % STEP_MAX + 1;
            let cell = Cell { bits: bits & ((1 << (2 * step)) - 1), step };
            let (x, y) = if east { (1, 0) } else { (1, -1) };
            cell.neighbour(x, y).neighbour(-x, -y) == cell
        }
    }
}
