//! `set-proc-title` and `proc-title-template`: what `ps` shows of this process.
//!
//! The kernel shows what lies where it put the arguments when the process began. That place, and the place of the
//! environment behind it, is taken over for titles once, at the very start, after the environment's variables have been
//! moved elsewhere. Whoever reads arguments through std afterwards would read the title, so the binary reads them before.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use refrain_core::Config;
use refrain_core::config::expand_title;

/// The place that the kernel shows.
#[derive(Debug)]
pub struct Title {
    start: usize,
    len: usize,
    program: String,
    config_file: String,
}

impl Title {
    /// Takes the place over. `program` is how the process was called, `config_file` what it was given to read. `None` where the
    /// kernel does not say where the place is.
    ///
    /// To be called once, after the arguments have been read and before any thread is started.
    pub fn take_over(program: OsString, config_file: String) -> Option<Title> {
        let (start, end) = place()?;
        for (name, value) in std::env::vars_os() {
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                continue;
            }
            // SAFETY: no other thread exists that could read the environment meanwhile (the caller's duty). Setting a
            // variable puts a copy elsewhere, so that nothing refers to the old place any more.
            unsafe { std::env::set_var(name, value) };
        }
        Some(Title { start, len: end - start, program: program.to_string_lossy().into_owned(), config_file })
    }

    /// Shows what the configuration's template makes, as far as there is room.
    pub fn show(&self, config: &Config) {
        let network = &config.network;
        let variable = |name: &str| match name {
            "title" => self.program.clone(),
            "config-file" => self.config_file.clone(),
            "listen-addr" if network.port == 0 => format!("unixsocket:{}", network.unixsocket),
            "listen-addr" => format!("{}:{}", network.bind.0.first().map_or("*", String::as_str), network.port),
            "port" => network.port.to_string(),
            "tls-port" => config.tls.port.to_string(),
            "unixsocket" => network.unixsocket.clone(),
            // `server-mode`: neither a node of a cluster nor a sentinel, and Redis shows nothing for that either.
            _ => String::new(),
        };
        if let Some(title) = expand_title(&config.process.proc_title_template, variable) {
            self.write(title.as_bytes());
        }
    }

    fn write(&self, title: &[u8]) {
        let shown = title.len().min(self.len - 1);
        // SAFETY: `start` and `len` are the bounds that the kernel gave for the strings of arguments and environment of this
        // process: one writable range of its stack, there for as long as it lives. Only this method writes to it, and
        // nothing reads it: the arguments were read before, and the environment has moved (`take_over`). The last byte stays
        // 0, so that whoever looked for the end of a string would find one.
        unsafe {
            let place = std::ptr::with_exposed_provenance_mut::<u8>(self.start);
            std::ptr::copy_nonoverlapping(title.as_ptr(), place, shown);
            std::ptr::write_bytes(place.add(shown), 0, self.len - shown);
        }
    }
}

/// Where the kernel put arguments and environment, from its own account; the one must follow the other.
fn place() -> Option<(usize, usize)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold anything, so fields are counted from behind its closing parenthesis: the third.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
    let (arguments, arguments_end, environment, environment_end) = (field(48)?, field(49)?, field(50)?, field(51)?);
    if arguments == 0 || arguments_end <= arguments {
        return None;
    }
    let follows = environment == arguments_end && environment_end >= environment;
    Some((arguments, if follows { environment_end } else { arguments_end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_found() {
        let (start, end) = place().unwrap();
        let arguments: usize = std::env::args_os().map(|a| a.len() + 1).sum();
        assert!(end - start >= arguments, "the arguments alone take {arguments}, the place has {}", end - start);
    }
}
