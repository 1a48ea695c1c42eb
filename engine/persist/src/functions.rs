//! Libraries of functions as files hold them: each its whole source, in RDB and in what `FUNCTION DUMP` gives.
//!
//! The first line of a source says which engine runs it and how the library is called (`#!lua name=mylib`); nothing else of it is
//! looked at here.

use crate::rdb::opcode;
use crate::{DumpError, StringValue, dump, read_string};

/// Why a source names no library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnnamedLibrary {
    /// It does not begin with `#!`.
    NoMetadata,
    /// Its first line does not end.
    EndlessMetadata,
    /// There is more in its first line than an engine and a name.
    UnknownMetadata,
    /// There is no name in it, or more than one.
    NotOneName,
    /// The name is empty, or has other characters than letters, digits and underscores.
    BadName,
}

impl std::fmt::Display for UnnamedLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            UnnamedLibrary::NoMetadata => "Missing library metadata",
            UnnamedLibrary::EndlessMetadata => "Invalid library metadata",
            UnnamedLibrary::UnknownMetadata => "Invalid metadata value given",
            UnnamedLibrary::NotOneName => "Library name was not given",
            UnnamedLibrary::BadName => {
                "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
            }
        })
    }
}

impl std::error::Error for UnnamedLibrary {}

/// The name of a library.
///
/// # Errors
/// See [`UnnamedLibrary`].
pub fn library_name(source: &[u8]) -> Result<&[u8], UnnamedLibrary> {
    let metadata = source.strip_prefix(b"#!").ok_or(UnnamedLibrary::NoMetadata)?;
    let end = metadata.iter().position(|byte| *byte == b'\n').ok_or(UnnamedLibrary::EndlessMetadata)?;
    let words = metadata[..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut name = None;
    // The first word is the engine.
    for word in words.skip(1) {
        let is_name = word.get(..5).is_some_and(|key| key.eq_ignore_ascii_case(b"name="));
        let given = is_name.then(|| &word[5..]).ok_or(UnnamedLibrary::UnknownMetadata)?;
        if name.replace(given).is_some() {
            return Err(UnnamedLibrary::NotOneName);
        }
    }
    let name = name.ok_or(UnnamedLibrary::NotOneName)?;
    let is_good = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if is_good { Ok(name) } else { Err(UnnamedLibrary::BadName) }
}

/// The sources in a payload of `FUNCTION DUMP`.
///
/// # Errors
/// When it is none.
pub fn restore_libraries(payload: &[u8]) -> Result<Vec<Vec<u8>>, DumpError> {
    let (mut libraries, _) = dump::open(payload, true)?;
    let mut sources = Vec::new();
    while !libraries.rest().is_empty() {
        let [code] = libraries.take_array()?;
        if code != opcode::FUNCTION2 {
            return Err(DumpError::BadFormat("given type is not a function"));
        }
        sources.push(match read_string(&mut libraries, u64::MAX)? {
            StringValue::Bytes(source) => source.into_owned(),
            StringValue::Int(number) => number.to_string().into_bytes(),
        });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc64;

    #[test]
    fn a_library_is_called_as_its_first_line_says() {
        assert_eq!(library_name(b"#!lua name=mylib\nredis.register_function('f', f)"), Ok(&b"mylib"[..]));
        assert_eq!(library_name(b"#!LUA  NAME=a_1 \r\n"), Ok(&b"a_1"[..]));
        for (source, why) in [
            (&b"return 1"[..], UnnamedLibrary::NoMetadata),
            (b"#!lua name=a", UnnamedLibrary::EndlessMetadata),
            (b"#!lua\n", UnnamedLibrary::NotOneName),
            (b"#!lua name=a name=b\n", UnnamedLibrary::NotOneName),
            (b"#!lua name=a flags=b\n", UnnamedLibrary::UnknownMetadata),
            (b"#!lua name=\n", UnnamedLibrary::BadName),
            (b"#!lua name=a-b\n", UnnamedLibrary::BadName),
        ] {
            assert_eq!(library_name(source), Err(why), "{}", source.escape_ascii());
        }
    }

    /// `FUNCTION DUMP` of redis-server 7.0.15, of one library.
    const RECORDED: &[u8] =
        b"\xf5@B#!lua name=l\x0aredis.register_function('f', function() return 1 end)\x0a\x00b\x95h\xe6_A+\xe2";
    const SOURCE: &[u8] = b"#!lua name=l\nredis.register_function('f', function() return 1 end)";

    #[test]
    fn what_redis_gives_is_read_and_what_is_damaged_is_not() {
        assert_eq!(restore_libraries(RECORDED), Ok(vec![SOURCE.to_vec()]));
        for cut in 0..RECORDED.len() {
            assert!(restore_libraries(&RECORDED[..cut]).is_err(), "{cut}");
        }
        let mut key = vec![0, 1, b'v', 10, 0];
        key.extend_from_slice(&crc64(&key).to_le_bytes());
        assert_eq!(restore_libraries(&key), Err(DumpError::BadFormat("given type is not a function")));
    }
}
