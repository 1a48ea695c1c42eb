//! Where configuration text comes from: files, standard input, and the files that `include` names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use refrain_core::config::split_args;

use super::{Apply, ConfFileError, Directive, Place};

/// A file larger than this is something else than a configuration.
const TEXT_MAX: u64 = 64 << 20;

/// Includes deeper than this include themselves.
const INCLUDE_DEPTH_MAX: usize = 16;

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, ConfFileError> {
    let opened = File::open(path).and_then(read_bounded);
    // The text begins in the main file, so the path is told as it was given, made absolute as Redis does at start.
    opened.map_err(|error| ConfFileError::Unreadable { path: std::path::absolute(path).unwrap_or(path.into()), error })
}

pub(super) fn read_stdin() -> Result<Vec<u8>, ConfFileError> {
    read_bounded(io::stdin().lock()).map_err(|error| ConfFileError::Unreadable { path: "-".into(), error })
}

fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(TEXT_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > TEXT_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 64 MiB of configuration"));
    }
    Ok(text)
}

/// Hands the directives of `text` to `apply`, those of included files in their place.
pub(super) fn parse(
    text: &[u8],
    included: Option<&Rc<PathBuf>>,
    depth: usize,
    apply: Apply<'_>,
) -> Result<(), ConfFileError> {
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let place =
            || Place { included: included.cloned(), line: index + 1, text: String::from_utf8_lossy(line).into_owned() };
        let words = split_args(line).ok_or_else(|| place().fatal("Unbalanced quotes in configuration line"))?;
        let mut words = words.into_iter();
        let Some(name) = words.next() else { continue };
        let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
        let args: Vec<Vec<u8>> = words.collect();
        match (name.as_str(), args.as_slice()) {
            ("include", [pattern]) => include(pattern, &place, depth, apply)?,
            ("include", _) => return Err(place().fatal("wrong number of arguments")),
            _ => apply(Directive { name, args, place: place() })?,
        }
    }
    Ok(())
}

/// Reads the file, or every file that the pattern matches, in alphabetical order. A pattern may match nothing.
fn include(pattern: &[u8], place: &impl Fn() -> Place, depth: usize, apply: Apply<'_>) -> Result<(), ConfFileError> {
    if depth == INCLUDE_DEPTH_MAX {
        return Err(place().fatal("Includes are nested too deeply: does a file include itself?"));
    }
    let pattern = str::from_utf8(pattern).map_err(|_| place().fatal("The name of an included file must be UTF-8"))?;
    let paths: Vec<PathBuf> = if pattern.contains(['*', '?', '[']) {
        glob::glob(pattern).map_err(|error| place().fatal(&error.to_string()))?.filter_map(Result::ok).collect()
    } else {
        vec![PathBuf::from(pattern)]
    };
    for path in paths {
        let text = File::open(&path)
            .and_then(read_bounded)
            .map_err(|error| ConfFileError::Unreadable { path: path.clone(), error })?;
        parse(&text, Some(&Rc::new(path)), depth + 1, apply)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn directives(text: &str) -> Result<Vec<Directive>, ConfFileError> {
        let mut out = Vec::new();
        let keep = &mut |directive| {
            out.push(directive);
            Ok(())
        };
        parse(text.as_bytes(), None, 0, keep).map(|()| out)
    }

    fn shown(text: &str) -> Vec<String> {
        directives(text)
            .unwrap()
            .iter()
            .map(|directive| {
                let args: Vec<_> = directive.args.iter().map(|arg| String::from_utf8_lossy(arg)).collect();
                format!("{} {}={}", directive.place.line, directive.name, args.join("|"))
            })
            .collect()
    }

    #[test]
    fn lines_comments_and_order() {
        let text = "# a comment\n\n  PORT 6379\r\n\t# another\nsave 60 1 # no comment\nsave ''\nport 1";
        assert_eq!(shown(text), ["3 port=6379", "5 save=60|1|#|no|comment", "6 save=", "7 port=1"]);
    }

    #[test]
    fn an_unbalanced_line_is_fatal() {
        insta::assert_snapshot!(directives("port 1\n save \"a \n").unwrap_err(), @r#"

        *** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***
        Reading the configuration file, at line 2
        >>> 'save "a'
        Unbalanced quotes in configuration line
        "#);
    }

    #[test]
    fn a_missing_file_is_fatal() {
        let error = directives("include /no/such/file.conf").unwrap_err();
        assert_eq!(
            error.to_string(),
            "Fatal error, can't open config file '/no/such/file.conf': No such file or directory"
        );
    }

    #[test]
    fn includes_stand_where_they_are_named_and_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("b.conf"), "port 2\n").unwrap();
        fs::write(path("a.conf"), "\nport 1\n").unwrap();
        fs::write(path("c.other"), format!("include \"{}\"\nport 3", path("a.conf"))).unwrap();
        let text = format!("port 0\ninclude {}\ninclude {}\nport 4", path("*.conf"), path("c.other"));
        assert_eq!(shown(&text), ["1 port=0", "2 port=1", "1 port=2", "2 port=1", "2 port=3", "4 port=4"]);
        assert_eq!(shown(&format!("include {}", path("nothing*.conf"))), [""; 0]);
        fs::write(path("d.bad"), "\n\nx 'y").unwrap();
        let error = directives(&format!("include {}", path("d.bad"))).unwrap_err().to_string();
        assert!(error.contains(&format!("Reading the configuration file '{}', at line 3\n", path("d.bad"))), "{error}");
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loop.conf");
        fs::write(&path, format!("port 1\ninclude {}\n", path.display())).unwrap();
        let error = directives(&format!("include {}", path.display())).unwrap_err().to_string();
        assert!(error.contains("nested too deeply"), "{error}");
    }

    #[test]
    fn include_takes_one_name() {
        for text in ["include", "include a b"] {
            assert!(directives(text).unwrap_err().to_string().ends_with("wrong number of arguments\n"));
        }
    }
}
