//! Geographic indexes: sorted sets whose scores are places, as geohashes of 52 bits.

mod cell;
mod members;
mod options;
mod search;
mod shape;

pub use members::{geoadd, geodist, geohash, geopos};
pub use search::{georadius, georadius_ro, georadiusbymember, georadiusbymember_ro, geosearch, geosearchstore};

use refrain_resp::Encoder;

use crate::call::Call;
use crate::double;
use crate::error::{ErrorReply, NOT_A_FLOAT};
use cell::{LATITUDE_MAX, LONGITUDE_MAX, Point};

/// Metres in a unit.
fn unit(word: &[u8]) -> Result<f64, ErrorReply> {
    const UNITS: [(&str, f64); 4] = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
    let found = UNITS.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, metres)| metres).ok_or(ErrorReply::new("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// A longitude and a latitude, from argument `at` on.
fn point(call: &Call<'_>, at: usize) -> Result<Point, ErrorReply> {
    let number = |i| double::parse(call.args.at(i)).ok_or(NOT_A_FLOAT);
    let point = Point { longitude: number(at)?, latitude: number(at + 1)? };
    if point.longitude.abs() > LONGITUDE_MAX || point.latitude.abs() > LATITUDE_MAX {
        let Point { longitude, latitude } = point;
        return Err(ErrorReply::owned(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")));
    }
    Ok(point)
}

/// A coordinate, with up to 17 digits after the point.
fn reply_coordinate(reply: &mut Encoder<'_>, value: f64) {
    let text = format!("{value:.17}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    reply.double_text(if text == "-0" { "0" } else { text });
}

/// A distance, with four digits after the point, as text in both protocols.
fn reply_distance(reply: &mut Encoder<'_>, distance: f64) {
    let scaled = distance * 10_000.0;
    if scaled.abs() >= 9e15 {
        return reply.bulk(format!("{distance:.4}").as_bytes());
    }
    let tens_of_thousandths = scaled.round_ties_even() as i64;
    let (whole, rest) = (tens_of_thousandths / 10_000, tens_of_thousandths % 10_000);
    reply.bulk(format!("{whole}.{rest:04}").as_bytes());
}
