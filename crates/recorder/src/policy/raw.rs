//! The config's elements as the host's XML gave them: names and texts, nothing understood yet.

/// The root of `callvault.conf`: `<configuration>` with its `<settings>` and `<prompts>`.
pub type RawConfig = RawElement;

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawElement {
    /// Its name.
    pub name: String,
    /// Its attributes in the order of the file, variables already expanded.
    pub attributes: Vec<(String, String)>,
    /// What it encloses.
    pub children: Vec<RawElement>,
    /// Text directly inside it, as the host has it; a config has none, so any but white space is a fault.
    pub text: String,
}

impl RawElement {
    /// An element of this name with nothing in it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// With this attribute too.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// With this element inside too.
    #[must_use]
    pub fn containing(mut self, child: RawElement) -> Self {
        self.children.push(child);
        self
    }

    /// The first attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
