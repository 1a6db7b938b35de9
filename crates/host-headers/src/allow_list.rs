//! What is bound: a line each of `function`, `type`, `value` or `opaque` and a pattern.
use std::path::Path;

/// The lines of `include/allow-list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Vec<(Kind, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Type,
    Value,
    Opaque,
}

/// Why it is none.
#[derive(Debug, thiserror::Error)]
pub enum BadAllowList {
    /// It cannot be read.
    #[error("{0}: {1}; build in a whole checkout")]
    Unreadable(String, std::io::Error),
    /// A line is not understood.
    #[error("the allow-list says `{0}`; a line is function, type, value or opaque, and a pattern")]
    Line(String),
}

impl AllowList {
    /// From a file.
    pub fn read(path: &Path) -> Result<Self, BadAllowList> {
        let text = std::fs::read_to_string(path)
            .map_err(|fault| BadAllowList::Unreadable(path.display().to_string(), fault))?;
        Self::parse(&text)
    }

    /// From its text; empty lines and those that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Self, BadAllowList> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// Tells bindgen.
    pub fn apply(&self, builder: bindgen::Builder) -> bindgen::Builder {
        self.0.iter().fold(builder, |builder, (kind, pattern)| match kind {
            Kind::Function => builder.allowlist_function(pattern),
            Kind::Type => builder.allowlist_type(pattern),
            Kind::Value => builder.allowlist_var(pattern),
            Kind::Opaque => builder.opaque_type(pattern),
        })
    }
}

fn entry(line: &str) -> Result<(Kind, String), BadAllowList> {
    let bad = || BadAllowList::Line(line.into());
    let (kind, pattern) = line.split_once(' ').ok_or_else(bad)?;
    let kind = match kind {
        "function" => Kind::Function,
        "type" => Kind::Type,
        "value" => Kind::Value,
        "opaque" => Kind::Opaque,
        _ => return Err(bad()),
    };
    Ok((kind, pattern.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_kind_and_a_pattern() {
        let list = AllowList::parse("# what\n\ntype switch_frame\nfunction switch_version_(major|minor)\n");
        let due = [(Kind::Type, "switch_frame".into()), (Kind::Function, "switch_version_(major|minor)".into())];
        assert_eq!(list.ok(), Some(AllowList(due.into())));
        for line in ["type", "struct switch_frame"] {
            assert!(AllowList::parse(line).is_err_and(|fault| fault.to_string().contains(line)));
        }
    }
}
