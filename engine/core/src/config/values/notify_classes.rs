//! `notify-keyspace-events`: which changes of keys are published, and how.

use super::WRONG_NUMBER;
use crate::config::When;
use crate::config::parameter::Special;
use crate::notify::NotifyClass;

/// `A`: every class but those of keys that are missing and of keys that are new.
const ALL: NotifyClass = NotifyClass::of(&[
    NotifyClass::GENERIC,
    NotifyClass::STRING,
    NotifyClass::LIST,
    NotifyClass::SET,
    NotifyClass::HASH,
    NotifyClass::SORTED_SET,
    NotifyClass::EXPIRED,
    NotifyClass::EVICTED,
    NotifyClass::STREAM,
    NotifyClass::MODULE,
]);

/// The order in which letters are shown.
const SHOWN: &str = "g$lshzxetdnKEm";

/// The classes that the letters name; `None` if one names none.
fn parse(letters: &str) -> Option<NotifyClass> {
    letters.chars().try_fold(NotifyClass::NONE, |all, letter| match letter {
        'A' => Some(all.with(ALL)),
        letter => named(letter).map(|class| all.with(class)),
    })
}

/// The class of a letter, whose case matters.
fn named(letter: char) -> Option<NotifyClass> {
    let mut text = [0; 4];
    let text: &str = letter.encode_utf8(&mut text);
    NotifyClass::NAMES.iter().find(|(_, name)| *name == text).map(|(class, _)| *class)
}

impl Special for NotifyClass {
    fn show(&self) -> String {
        // As in Redis, `n` is not shown beside `A`.
        let hidden = if self.contains(ALL) { ALL.with(NotifyClass::NEW) } else { NotifyClass::NONE };
        let shown = self.without(hidden);
        let letters = SHOWN.chars().filter(|letter| named(*letter).is_some_and(|class| shown.contains(class)));
        self.contains(ALL).then_some('A').into_iter().chain(letters).collect()
    }

    fn set(&mut self, words: &[&str], _: When) -> Result<(), String> {
        let [word] = words else { return Err(WRONG_NUMBER.to_owned()) };
        *self = parse(word).ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        // Not as it is shown: `n` beside `A` would be lost at the next start.
        let new = if self.contains(ALL.with(NotifyClass::NEW)) { "n" } else { "" };
        vec![format!("\"{}{new}\"", self.show())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_shown_in_one_order() {
        let check = |letters, shown: &str| assert_eq!(parse(letters).unwrap().show(), shown);
        check("", "");
        check("KA", "AK");
        check("Elg", "glE");
        check("g$lshzxetd", "A");
        check("g$lshzxet", "g$lshzxet");
        check("mAKE", "AKEm");
        check("nKg", "gnK");
        check("An", "A");
        assert_eq!(parse("KEy"), None);
        assert_eq!(parse("G"), None, "case matters");
    }

    #[test]
    fn every_set_survives_its_line() {
        let letters: Vec<char> = SHOWN.chars().collect();
        for bits in 0..1u32 << letters.len() {
            let chosen: String =
                letters.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, l)| *l).collect();
            let classes = parse(&chosen).unwrap();
            let line = classes.lines().remove(0);
            assert_eq!(parse(line.trim_matches('"')), Some(classes), "{line}");
        }
    }
}
