//! Circles and rectangles on the earth, distances, and the few cells that cover a shape.
//!
//! Distances are those along great circles of a sphere (the haversine formula). A shape is covered by the cell of its middle and
//! those around it, of a size that the shape's extent decides; which of them are looked at, and in which order, is that of
//! Redis, for unsorted replies show it.

use super::cell::{Cell, Point, STEP_MAX};

/// Mean radius of the earth, in metres, as Redis has it.
const EARTH_RADIUS: f64 = 6_372_797.560_856;

/// Half the width of the map, in metres.
const MAP_HALF_WIDTH: f64 = 20_037_726.37;

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

/// Metres between two latitudes.
fn latitude_distance(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (radians(b) - radians(a)).abs()
}

/// Metres between two points.
pub(super) fn distance(a: Point, b: Point) -> f64 {
    let half_longitude = ((radians(b.longitude) - radians(a.longitude)) / 2.0).sin();
    if half_longitude == 0.0 {
        return latitude_distance(a.latitude, b.latitude);
    }
    let (from, to) = (radians(a.latitude), radians(b.latitude));
    let half_latitude = ((to - from) / 2.0).sin();
    let squared = half_latitude * half_latitude + from.cos() * to.cos() * half_longitude * half_longitude;
    2.0 * EARTH_RADIUS * squared.sqrt().asin()
}

/// What is searched in, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Circle { radius: f64 },
    Rectangle { width: f64, height: f64 },
}

impl Shape {
    /// How far it reaches from its middle to the sides, to top and bottom, and at the most.
    fn extent(self) -> (f64, f64, f64) {
        match self {
            Shape::Circle { radius } => (radius, radius, radius),
            Shape::Rectangle { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (width, height, (width * width + height * height).sqrt())
            }
        }
    }

    /// The cells that cover it, in the order in which they are searched.
    pub(super) fn cells(self, middle: Point) -> Vec<Cell> {
        let (width, height, reach) = self.extent();
        let bounds = Bounds::around(middle, width, height);
        let mut step = step_for(reach, middle.latitude);
        let mut cell = Cell::of(middle, step);
        // Near the edge of a cell its neighbours may end inside of the shape.
        let too_small = cell.neighbour(0, 1).area().north < bounds.north
            || cell.neighbour(0, -1).area().south > bounds.south
            || cell.neighbour(1, 0).area().east < bounds.east
            || cell.neighbour(-1, 0).area().west > bounds.west;
        if step > 1 && too_small {
            step -= 1;
            cell = Cell::of(middle, step);
        }
        let area = cell.area();
        let narrow = step >= 2;
        let leave_out = |east: i32, north: i32| {
            narrow
                && (north < 0 && area.south < bounds.south
                    || north > 0 && area.north > bounds.north
                    || east < 0 && area.west < bounds.west
                    || east > 0 && area.east > bounds.east)
        };
        const AROUND: [(i32, i32); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let mut cells: Vec<Cell> = Vec::with_capacity(AROUND.len());
        let mut last: Option<Cell> = None;
        for (i, (east, north)) in AROUND.into_iter().enumerate() {
            let cell = cell.neighbour(east, north);
            // Of a huge shape two neighbours in a row may be the same; the first cell is not compared with any.
            if leave_out(east, north) || last == Some(cell) {
                continue;
            }
            if i > 0 {
                last = Some(cell);
            }
            cells.push(cell);
        }
        cells
    }
}

/// A shape at its place, with what is known before the first point is looked at.
pub(super) struct Placed {
    shape: Shape,
    middle: Point,
    /// Half a chord's square, on a sphere of radius 1, beyond which nothing is inside; a little more than is exact.
    beyond: f64,
}

impl Placed {
    pub(super) fn new(shape: Shape, middle: Point) -> Placed {
        let (_, _, reach) = shape.extent();
        let half_angle = (reach / EARTH_RADIUS / 2.0).min(std::f64::consts::FRAC_PI_2);
        let sine = half_angle.sin();
        Placed { shape, middle, beyond: sine * sine * (1.0 + 1e-6) + 1e-18 }
    }

    /// The distance of a point from the middle, if it is inside.
    pub(super) fn distance_inside(&self, point: Point) -> Option<f64> {
        match self.shape {
            Shape::Circle { radius } => {
                let from = radians(self.middle.latitude);
                let to = radians(point.latitude);
                // What latitudes or longitudes alone rule out needs no more than a sine or two, and no arc.
                let half_latitude = ((to - from) / 2.0).sin();
                let squared = half_latitude * half_latitude;
                if squared > self.beyond {
                    return None;
                }
                let half_longitude = ((radians(point.longitude) - radians(self.middle.longitude)) / 2.0).sin();
                if half_longitude != 0.0 {
                    let squared = squared + from.cos() * to.cos() * half_longitude * half_longitude;
                    if squared > self.beyond {
                        return None;
                    }
                }
                Some(distance(self.middle, point)).filter(|distance| *distance <= radius)
            }
            Shape::Rectangle { width, height } => {
                if latitude_distance(point.latitude, self.middle.latitude) > height / 2.0 {
                    return None;
                }
                let beside = Point { longitude: self.middle.longitude, latitude: point.latitude };
                if distance(point, beside) > width / 2.0 {
                    return None;
                }
                Some(distance(self.middle, point))
            }
        }
    }
}

/// The degrees between which a shape lies.
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Bounds {
    /// Those of a shape that reaches so many metres to its sides, and to top and bottom. Where a degree is narrowest decides.
    fn around(middle: Point, width: f64, height: f64) -> Bounds {
        let latitude = degrees(height / EARTH_RADIUS);
        let outer = if middle.latitude < 0.0 { middle.latitude - latitude } else { middle.latitude + latitude };
        let longitude = degrees(width / EARTH_RADIUS / radians(outer).cos());
        Bounds {
            west: middle.longitude - longitude,
            east: middle.longitude + longitude,
            south: middle.latitude - latitude,
            north: middle.latitude + latitude,
        }
    }
}

/// How often the map is cut for cells of about this extent; degrees are narrower near the poles.
fn step_for(mut reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return STEP_MAX;
    }
    let mut step = 1i32;
    while reach < MAP_HALF_WIDTH {
        reach *= 2.0;
        step += 1;
    }
    // So that the shape lies inside of the nine cells in most cases.
    step -= 2;
    step -= i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    step.clamp(1, STEP_MAX as i32).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn point(x: u16, y: u16) -> Point {
        Point { longitude: f64::from(x) / 65536.0 * 360.0 - 180.0, latitude: f64::from(y) / 65536.0 * 170.0 - 85.0 }
    }

    #[test]
    fn known_places_are_their_known_distance_apart() {
        let palermo = Cell::of(Point { longitude: 13.361_389, latitude: 38.115_556 }, STEP_MAX).point();
        let catania = Cell::of(Point { longitude: 15.087_269, latitude: 37.502_669 }, STEP_MAX).point();
        assert_eq!(format!("{:.4}", distance(palermo, catania)), "166274.1516");
    }

    quickcheck! {
        fn whatever_lies_in_a_circle_is_found_so_and_in_a_cell_of_it(a: (u16, u16), b: (u16, u16), radius: u32) -> bool {
            let (middle, other) = (point(a.0, a.1), Cell::of(point(b.0, b.1), STEP_MAX).point());
            // Around the poles and across the date line the cells do not cover everything; they do not in Redis.
            let radius = f64::from(radius % 1_000_000);
            let shape = Shape::Circle { radius };
            let apart = distance(middle, other);
            let inside = Placed::new(shape, middle).distance_inside(other);
            if inside != (apart <= radius).then_some(apart) {
                return false;
            }
            let far = (middle.longitude - other.longitude).abs() > 90.0 || middle.latitude.abs() > 70.0;
            let cell = Cell::of(other, STEP_MAX).bits;
            inside.is_none() || far
                || shape.cells(middle).iter().any(|c| (c.lowest_score()..c.end_score()).contains(&cell))
        }
    }
}
