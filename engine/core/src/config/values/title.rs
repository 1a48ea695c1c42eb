//! `proc-title-template`: what the process calls itself.

/// Variables that a template may name.
const VARIABLES: [&str; 7] = ["title", "listen-addr", "server-mode", "config-file", "port", "tls-port", "unixsocket"];

/// Fills in a template: `{name}` is what `variable` says of it, `{{` is a brace. Blanks around the whole go. `None` when a
/// brace is not closed or a name is unknown.
pub fn expand_title(template: &str, variable: impl Fn(&str) -> String) -> Option<String> {
    let mut title = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        title.push_str(before);
        if let Some(behind) = behind.strip_prefix('{') {
            title.push('{');
            rest = behind;
            continue;
        }
        let (name, behind) = behind.split_once('}')?;
        if !VARIABLES.contains(&name) {
            return None;
        }
        title.push_str(&variable(name));
        rest = behind;
    }
    title.push_str(rest);
    Some(title.trim_matches(' ').to_owned())
}

/// Whether a template can be filled in, and shows something even where the variables that may be empty are.
///
/// # Errors
/// Redis's words for one that can't.
pub fn is_title_template(template: &str) -> Result<(), String> {
    let least = |name: &str| if ["title", "server-mode", "unixsocket"].contains(&name) { "" } else { "x" }.to_owned();
    match expand_title(template, least) {
        Some(title) if !title.is_empty() => Ok(()),
        _ => Err("template format is invalid or contains unknown variables".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        let check = |template, title: Option<&str>| {
            assert_eq!(expand_title(template, |name| format!("<{name}>")).as_deref(), title, "{template}");
        };
        check("{title} {listen-addr}", Some("<title> <listen-addr>"));
        check("  plain ", Some("plain"));
        check("{{title}", Some("{title}"));
        check("{{{port}}}", Some("{<port>}}"));
        check("", Some(""));
        check("{title", None);
        check("{", None);
        check("{invalid-var}", None);
        check("{}", None);
    }

    #[test]
    fn a_template_must_show_something() {
        for (template, valid) in
            [("", false), (" ", false), ("{title} {server-mode}", false), ("{port}", true), ("x", true)]
        {
            assert_eq!(is_title_template(template).is_ok(), valid, "{template}");
        }
    }
}
