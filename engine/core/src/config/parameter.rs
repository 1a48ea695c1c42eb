//! One parameter: its names, its kind and range, what may be done with it, and how it is read, shown and checked.
//!
//! What is known of a parameter stands in its row and nowhere else: CONFIG GET, CONFIG SET, CONFIG REWRITE, the configuration
//! file and the warnings at start read the same row.

use refrain_resp::parse_i64;

use super::numbers::{format_memory, parse_lenient, parse_memory};
use super::{Config, When};

/// One parameter.
#[derive(Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Another name that means the same; empty for none.
    pub alias: &'static str,
    /// Whether CONFIG SET refuses to change it.
    pub is_fixed: bool,
    /// Whether CONFIG SET refuses to change it while a data set is loaded.
    pub is_fixed_while_loading: bool,
    /// Whether it takes a list of words.
    pub several_values: bool,
    /// Whether `enable-protected-configs` decides who may change it.
    pub is_protected: bool,
    /// Whether its value is a secret: never in a log.
    pub is_sensitive: bool,
    /// Whether CONFIG GET shows it only when it is asked for by its full name.
    pub is_hidden: bool,
    /// Whether its other name is shown only when it is asked for in full.
    pub alias_is_hidden: bool,
    /// What would obey it and is not there.
    pub missing: Option<&'static str>,
    kind: Kind,
    /// What a text must be besides.
    check: Option<Check>,
}

/// Says in Redis's words what is wrong with a text.
type Check = fn(&str) -> Result<(), String>;

/// What values a parameter takes, and the way to its field in [`Config`].
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the fields are the same throughout: read, write, and the range")]
pub(super) enum Kind {
    /// `yes` or `no`.
    YesNo { get: fn(&Config) -> bool, set: fn(&mut Config, bool) },
    /// An integer in a range.
    Integer { get: fn(&Config) -> i64, set: fn(&mut Config, i64), min: i64, max: i64 },
    /// A size in bytes.
    Memory { get: fn(&Config) -> u64, set: fn(&mut Config, u64), min: u64, max: u64 },
    /// Permission bits.
    Octal { get: fn(&Config) -> u32, set: fn(&mut Config, u32), max: u32 },
    /// One word of a few.
    Choice { get: fn(&Config) -> &'static str, set: fn(&mut Config, &str) -> bool, names: fn(&Config) -> String },
    /// Text; when `unset_is_empty`, an empty one means that there is none.
    Text { get: fn(&Config) -> &String, set: fn(&mut Config, String), unset_is_empty: bool },
    /// Any bytes; empty means that there are none.
    Bytes { get: fn(&Config) -> &Vec<u8>, set: fn(&mut Config, Vec<u8>) },
    /// What has a grammar of its own.
    Special { get: fn(&Config) -> &dyn Special, get_mut: fn(&mut Config) -> &mut dyn Special },
}

/// A value with a grammar of its own.
pub(super) trait Special {
    /// As CONFIG GET shows it.
    fn show(&self) -> String;

    /// Takes the words given.
    ///
    /// # Errors
    /// Redis's words for what is wrong with them.
    fn set(&mut self, words: &[&str], when: When) -> Result<(), String>;

    /// The lines that make it in a configuration file, without the name.
    fn lines(&self) -> Vec<String> {
        vec![self.show()]
    }

    /// Whether a line may be left out when it says what is the default anyway. Not where lines add up.
    fn default_may_be_left_out(&self) -> bool {
        true
    }
}

/// What a parameter looks like in a configuration file.
pub(super) struct Lines {
    /// Its values, a line each.
    pub values: Vec<Vec<u8>>,
    /// Whether they are needed even where the file says nothing of the parameter.
    pub needed: bool,
}

const NOT_UTF8: &str = "argument must be valid UTF-8";
const WRONG_NUMBER: &str = "wrong number of arguments";

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Parameter {
        Parameter {
            name,
            alias: "",
            is_fixed: false,
            is_fixed_while_loading: false,
            several_values: false,
            is_protected: false,
            is_sensitive: false,
            is_hidden: false,
            alias_is_hidden: false,
            missing: None,
            kind,
            check: None,
        }
    }

    pub(super) const fn alias(self, alias: &'static str) -> Parameter {
        Parameter { alias, ..self }
    }

    pub(super) const fn hidden_alias(self, alias: &'static str) -> Parameter {
        Parameter { alias, alias_is_hidden: true, ..self }
    }

    pub(super) const fn fixed(self) -> Parameter {
        Parameter { is_fixed: true, ..self }
    }

    pub(super) const fn fixed_while_loading(self) -> Parameter {
        Parameter { is_fixed_while_loading: true, ..self }
    }

    pub(super) const fn several(self) -> Parameter {
        Parameter { several_values: true, ..self }
    }

    pub(super) const fn protected(self) -> Parameter {
        Parameter { is_protected: true, ..self }
    }

    pub(super) const fn sensitive(self) -> Parameter {
        Parameter { is_sensitive: true, ..self }
    }

    pub(super) const fn hidden(self) -> Parameter {
        Parameter { is_hidden: true, ..self }
    }

    /// Says what would obey it and is not there: whoever sets it to something is warned.
    pub(super) const fn missing(self, feature: &'static str) -> Parameter {
        Parameter { missing: Some(feature), ..self }
    }

    pub(super) const fn check(self, check: Check) -> Parameter {
        Parameter { check: Some(check), ..self }
    }

    /// The value as CONFIG GET shows it.
    pub fn get(&self, config: &Config) -> Vec<u8> {
        match self.kind {
            Kind::YesNo { get, .. } => if get(config) { "yes" } else { "no" }.into(),
            Kind::Integer { get, .. } => get(config).to_string().into(),
            Kind::Memory { get, .. } => get(config).to_string().into(),
            Kind::Octal { get, .. } => format!("{:o}", get(config)).into(),
            Kind::Choice { get, .. } => get(config).into(),
            Kind::Text { get, .. } => get(config).clone().into(),
            Kind::Bytes { get, .. } => get(config).clone(),
            Kind::Special { get, .. } => get(config).show().into(),
        }
    }

    /// Checks and stores a value. Where it is refused, `config` may hold a part of it: whoever can't have that works on a copy.
    ///
    /// # Errors
    /// Redis's words for what is wrong.
    pub fn set(&self, config: &mut Config, values: &[&[u8]], when: When) -> Result<(), String> {
        if let Kind::Special { get_mut, .. } = self.kind {
            // Bytes that are no text are no word that any of these knows, no address and no directory.
            let words: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
            return get_mut(config).set(&words.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), when);
        }
        let [value] = values else { return Err(WRONG_NUMBER.to_owned()) };
        if let Kind::Bytes { set, .. } = self.kind {
            set(config, value.to_vec());
            return Ok(());
        }
        // Bytes that are no text are no number and no word either; only a text could be changed by this.
        let lossy = String::from_utf8_lossy(value);
        let word = lossy.as_ref();
        match self.kind {
            Kind::YesNo { set, .. } => {
                let yes = match word {
                    v if v.eq_ignore_ascii_case("yes") => true,
                    v if v.eq_ignore_ascii_case("no") => false,
                    _ => return Err("argument must be 'yes' or 'no'".to_owned()),
                };
                self.checked(if yes { "yes" } else { "no" })?;
                set(config, yes);
            }
            Kind::Integer { set, min, max, .. } => {
                let value = parse_i64(value).ok_or("argument couldn't be parsed into an integer")?;
                within(value, min, max)?;
                set(config, value);
            }
            Kind::Memory { set, min, max, .. } => {
                let value = parse_memory(word).ok_or("argument must be a memory value")?;
                within(value, min, max)?;
                set(config, value);
            }
            Kind::Octal { set, max, .. } => {
                let value = parse_lenient(word, 8).ok_or("argument couldn't be parsed as an octal number")?;
                match u32::try_from(value) {
                    Ok(value) if value <= max => set(config, value),
                    _ => return Err(format!("argument must be between 0 and {max:o} inclusive")),
                }
            }
            Kind::Choice { set, names, .. } => {
                if !set(config, word) {
                    return Err(format!("argument(s) must be one of the following: {}", names(config)));
                }
            }
            Kind::Text { set, .. } => {
                // A NUL ends the text, as it ends a C string.
                let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
                self.checked(&String::from_utf8_lossy(text))?;
                let text = std::str::from_utf8(text).map_err(|_| NOT_UTF8.to_owned())?;
                set(config, text.to_owned());
            }
            Kind::Bytes { .. } | Kind::Special { .. } => unreachable!("both were dealt with above"),
        }
        Ok(())
    }

    fn checked(&self, text: &str) -> Result<(), String> {
        self.check.map_or(Ok(()), |check| check(text))
    }

    /// How a configuration file says what `config` holds, beside `default`.
    pub(super) fn lines(&self, config: &Config, default: &Config) -> Lines {
        let one = |value: Vec<u8>| Lines { values: vec![value], needed: self.get(config) != self.get(default) };
        match self.kind {
            Kind::YesNo { .. } | Kind::Integer { .. } | Kind::Octal { .. } | Kind::Choice { .. } => {
                one(self.get(config))
            }
            Kind::Memory { get, .. } => one(format_memory(get(config)).into()),
            Kind::Text { get, unset_is_empty: true, .. } if get(config).is_empty() => Lines::none(),
            Kind::Bytes { get, .. } if get(config).is_empty() => Lines::none(),
            Kind::Text { .. } | Kind::Bytes { .. } => one(super::quote(&self.get(config))),
            Kind::Special { get, .. } => {
                let values = get(config).lines();
                let needed = !get(config).default_may_be_left_out() || values != get(default).lines();
                Lines { values: values.into_iter().map(String::into_bytes).collect(), needed }
            }
        }
    }
}

impl Lines {
    fn none() -> Lines {
        Lines { values: Vec::new(), needed: false }
    }
}

fn within<T: PartialOrd + std::fmt::Display>(value: T, min: T, max: T) -> Result<(), String> {
    match min <= value && value <= max {
        true => Ok(()),
        false => Err(format!("argument must be between {min} and {max} inclusive")),
    }
}
