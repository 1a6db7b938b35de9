//! The three API commands, by authority (decision 14): `callvault` shows, `callvault_release` releases by ticket,
//! `callvault_admin` switches. One file each.
mod admin;
mod answer;
mod release;
mod show;
mod text;

use std::ffi::CStr;
use std::sync::Arc;

use crate::ffi::interfaces::set_completion;
use crate::module::{Module, module};
use answer::Answer;

/// What `help` of the host shows.
pub const CALLVAULT_SYNTAX: &CStr =
    c"status | active | list [--since T] [--until T] [--outcome O] [--limit N] | show <id> | metrics | help [command]  (--json on each)";
/// See [`CALLVAULT_SYNTAX`].
pub const RELEASE_SYNTAX: &CStr = c"<ticket>";
/// See [`CALLVAULT_SYNTAX`].
pub const ADMIN_SYNTAX: &CStr =
    c"reload | stop | start | drain | expire-now [--dry-run] | pause <leg> | resume <leg> | attest <leg> | object <leg> | acknowledge  (--json on each)";

/// `callvault …`.
pub fn callvault(arguments: &str) -> String {
    run(|module| show::run(module, arguments))
}

/// `callvault_release …`.
pub fn release(arguments: &str) -> String {
    run(|module| release::run(module, arguments))
}

/// `callvault_admin …`.
pub fn admin(arguments: &str) -> String {
    run(|module| admin::run(module, arguments))
}

fn run(command: impl FnOnce(&Arc<Module>) -> Answer) -> String {
    match module() {
        Some(module) => command(&module).into_text(),
        None => "-ERR not_loaded the module is loading or unloading; try again\n".into(),
    }
}

const COMPLETIONS: [&str; 17] = [
    "callvault status",
    "callvault active",
    "callvault list",
    "callvault show",
    "callvault metrics",
    "callvault help",
    "callvault_release",
    "callvault_admin reload",
    "callvault_admin stop",
    "callvault_admin start",
    "callvault_admin drain",
    "callvault_admin expire-now",
    "callvault_admin pause ::console::list_uuid",
    "callvault_admin resume ::console::list_uuid",
    "callvault_admin attest ::console::list_uuid",
    "callvault_admin object ::console::list_uuid",
    "callvault_admin acknowledge",
];

/// Tab completion in fs_cli.
pub fn complete() {
    for line in COMPLETIONS {
        set_completion(&format!("add {line}"));
    }
}

/// Takes it away again.
pub fn forget_completion() {
    for command in ["callvault", "callvault_release", "callvault_admin"] {
        set_completion(&format!("del {command}"));
    }
}
