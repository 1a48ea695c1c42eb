//! The part of EDN that histories are written in: nil, booleans, integers, keywords, strings, vectors and maps.
//!
//! It reads one value from one line, strictly, and allows nesting of a few levels only.

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edn {
    Nil,
    Bool(bool),
    Integer(i64),
    Keyword(String),
    Text(String),
    Vector(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

impl Edn {
    /// What a map holds under a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&Edn> {
        let Edn::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| matches!(key, Edn::Keyword(name) if name == keyword)).map(|(_, value)| value)
    }

    /// The text of a value that stands for itself: a string's content, a number's digits.
    pub(super) fn plain(&self) -> Option<Vec<u8>> {
        match self {
            Edn::Text(text) => Some(text.clone().into_bytes()),
            Edn::Integer(number) => Some(number.to_string().into_bytes()),
            _ => None,
        }
    }
}

/// Reads one value and nothing after it.
pub(super) fn parse(text: &str) -> Result<Edn, String> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    parser.skip_blanks();
    if parser.rest.is_empty() { Ok(value) } else { Err(format!("unexpected `{}`", parser.glimpse())) }
}

const DEEPEST: usize = 8;

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Edn, String> {
        if depth > DEEPEST {
            return Err("nested too deeply".into());
        }
        self.skip_blanks();
        if self.take("\"") {
            self.text()
        } else if self.take("[") {
            Ok(Edn::Vector(self.values("]", depth)?))
        } else if self.take("{") {
            let values = self.values("}", depth)?;
            let (pairs, odd) = values.as_chunks::<2>();
            if !odd.is_empty() {
                return Err("a map with a key but no value".into());
            }
            Ok(Edn::Map(pairs.iter().cloned().map(|[key, value]| (key, value)).collect()))
        } else {
            self.symbol()
        }
    }

    fn values(&mut self, end: &str, depth: usize) -> Result<Vec<Edn>, String> {
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(end) {
                return Ok(values);
            }
            values.push(self.value(depth + 1)?);
        }
    }

    fn text(&mut self) -> Result<Edn, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(Edn::Text(text));
                }
                '\\' => text.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, 'r')) => '\r',
                    Some((_, escaped @ ('"' | '\\'))) => escaped,
                    _ => return Err("unknown escape in a string".into()),
                }),
                char => text.push(char),
            }
        }
        Err("a string without an end".into())
    }

    fn symbol(&mut self) -> Result<Edn, String> {
        let ends = |char: char| char.is_whitespace() || ",[]{}\"".contains(char);
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let (symbol, rest) = self.rest.split_at(length);
        let value = match symbol {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            _ => match (symbol.strip_prefix(':'), symbol.parse()) {
                (Some(name), _) if !name.is_empty() => Edn::Keyword(name.into()),
                (_, Ok(number)) => Edn::Integer(number),
                _ => return Err(format!("unexpected `{}`", self.glimpse())),
            },
        };
        self.rest = rest;
        Ok(value)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
    }

    fn take(&mut self, token: &str) -> bool {
        let stripped = self.rest.strip_prefix(token);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn glimpse(&self) -> String {
        if self.rest.is_empty() { "end of line".into() } else { self.rest.chars().take(20).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_event() {
        let event = parse(r#"{:process 0, :type :ok, :f :get, :key "4", :value [1 nil "a \"b\""]}"#).unwrap();
        assert_eq!(event.get("type"), Some(&Edn::Keyword("ok".into())));
        assert_eq!(event.get("key").and_then(Edn::plain), Some(b"4".to_vec()));
        let inner = vec![Edn::Integer(1), Edn::Nil, Edn::Text("a \"b\"".into())];
        assert_eq!(event.get("value"), Some(&Edn::Vector(inner)));
        assert_eq!(event.get("time"), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = ["{:a}", "{:a 1", "\"abc", "[1 2", "{:a 1} x", "@", "", "[[[[[[[[[[1]]]]]]]]]]", r#""\x""#];
        let told: Vec<String> = wrong.iter().map(|text| parse(text).unwrap_err()).collect();
        assert_eq!(told[0], "a map with a key but no value");
        assert_eq!(told[4], "unexpected `x`");
        assert_eq!(told[6], "unexpected `end of line`");
    }
}
