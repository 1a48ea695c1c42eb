//! The first words of a server: a drawing where a person looks on, one line of the log where none does.
//!
//! Test suites wait for ` PID: <pid>` in what is drawn.

/// What the banner tells.
#[derive(Debug, Clone, Copy)]
pub struct Banner {
    /// `standalone`, for there is no other mode.
    pub mode: &'static str,
    /// The TCP port, 0 for none.
    pub port: i64,
    /// The process.
    pub pid: u32,
}

/// A refrain: five lines of staff with a repeat sign at either end.
const DRAWING: [&str; 9] = [
    "",
    "    ||----------------------|\\-------------|| ",
    "    ||-----------|\\---------|-\\--|\\--------|| ",
    "    || o---------|-\\-------(@)---|-\\-----o ||",
    "    ||----------(@)-------------(@)--------|| ",
    "    || o---------------------------------o ||",
    "    ||-------------------------------------|| ",
    "    ||-------------------------------------|| ",
    "",
];

impl Banner {
    /// The drawing with what it tells beside it, every line ended.
    pub fn drawn(&self) -> String {
        let told = [
            String::new(),
            format!("Refrain {} (Redis {})", env!("CARGO_PKG_VERSION"), crate::conf_file::REDIS_VERSION),
            format!("{} bit, {}", usize::BITS, crate::version::COMMIT_LINE),
            String::new(),
            format!("Running in {} mode", self.mode),
            format!("Port: {}", self.port),
            format!("PID: {}", self.pid),
        ];
        let mut text = String::new();
        for (i, line) in DRAWING.iter().enumerate() {
            let beside = told.get(i).map_or("", String::as_str);
            let line = format!("{line:<48}{beside}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The same in a line of the log.
    pub fn line(&self) -> String {
        format!("Running mode={}, port={}.", self.mode, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_suites_wait_for_is_drawn() {
        let drawn = Banner { mode: "standalone", port: 6379, pid: 4711 }.drawn();
        for told in [" Port: 6379\n", " PID: 4711\n", "Running in standalone mode\n", "Refrain "] {
            assert!(drawn.contains(told), "{drawn}");
        }
        assert!(drawn.lines().all(|line| line.len() < 100 && line.trim_end() == line), "{drawn}");
    }
}
