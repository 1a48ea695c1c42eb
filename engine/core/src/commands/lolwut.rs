//! LOLWUT: a drawing, and the version below it.

use std::fmt::Write as _;

use crate::REDIS_VERSION;
use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// How large a drawing may be asked for.
const WIDTH_MAX: i64 = 200;
const HEIGHT_MAX: i64 = 100;

/// LOLWUT [VERSION version] [columns [rows]]: a refrain comes back: waves that repeat, each a little shifted. Versions 5 and 6 of
/// Redis took numbers behind theirs; others take no notice of what follows.
pub fn lolwut(call: &mut Call<'_>) -> Outcome {
    let (mut width, mut height) = (64, 8);
    if call.args.len() >= 3 && call.args.is(1, "VERSION") {
        let version = call.integer(2)?;
        let size = |i: usize, default: i64, max: i64| -> Result<i64, ErrorReply> {
            if i < call.args.len() { call.integer(i).map(|size| size.clamp(1, max)) } else { Ok(default) }
        };
        if version == 5 || version == 6 {
            (width, height) = (size(3, width, WIDTH_MAX)?, size(4, height, HEIGHT_MAX)?);
        }
    }
    let mut text = draw(width, height, call.hooks.entropy());
    let _ = writeln!(text, "\nRedis ver. {REDIS_VERSION}");
    call.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Rows of triangular waves of two periods, which `seed` chooses.
fn draw(width: i64, height: i64, seed: u64) -> String {
    const SHADES: [char; 5] = [' ', '.', ':', 'o', '#'];
    let (first, second) = (5 + (seed % 9) as i64, 11 + (seed >> 8) as i64 % 13);
    let wave = |x: i64, period: i64| (x.rem_euclid(2 * period) - period).abs() * 4 / period;
    let mut text = String::new();
    for y in 0..height {
        let row: String = (0..width)
            .map(|x| SHADES[((wave(x + y, first) + wave(x - 2 * y, second)) / 2).clamp(0, 4) as usize])
            .collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
