//! The shipped config with a site's own paths filled in: what `callvault init` leaves for the admin.
use std::path::Path;

/// The config as it is shipped, every parameter explained.
const SHIPPED: &str = include_str!("../../../../freeswitch-conf/autoload_configs/callvault.conf.xml");

/// Where the shipped config looks for prompts.
const SHIPPED_PROMPTS: &str = "$${sounds_dir}/callvault";

/// What is a site's own in a config.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// `data-dir`.
    pub data_dir: &'a Path,
    /// `keystore-dir`.
    pub keystore_dir: &'a Path,
    /// `roster`.
    pub roster: &'a Path,
    /// `instance`.
    pub instance: &'a str,
    /// The directory that the shipped prompts lie in; `None` for `callvault` among the host's sounds.
    pub prompts_dir: Option<&'a Path>,
}

/// The text of a `callvault.conf.xml` for this site. Paths must be absolute and UTF-8 to be accepted at load.
pub fn ready_config(site: &Site<'_>) -> String {
    let own = [
        ("data-dir", site.data_dir.to_string_lossy()),
        ("keystore-dir", site.keystore_dir.to_string_lossy()),
        ("roster", site.roster.to_string_lossy()),
        ("instance", site.instance.into()),
    ];
    let mut text = String::with_capacity(SHIPPED.len());
    for line in SHIPPED.lines() {
        let own = own.iter().find(|(name, _)| line.contains(&format!("<param name=\"{name}\"")));
        match (own, site.prompts_dir) {
            (Some((name, value)), _) => {
                text.push_str(&format!("    <param name=\"{name}\" value=\"{}\"/>", escaped(value)));
            }
            (None, Some(prompts)) if line.contains("<prompt ") => {
                text.push_str(&line.replace(SHIPPED_PROMPTS, &escaped(&prompts.to_string_lossy())));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
