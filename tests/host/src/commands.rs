//! Commands: a line on a connection, its answer until the connection's end. The host's own, then those of modules.
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use callvault_stand_in::trace;

use crate::replay::{self, Edits};
use crate::world::{locked, world};
use crate::{loader, log};

/// The socket's name in the run directory.
const SOCKET: &str = "stand-in.sock";

/// Answers until `fsctl shutdown`.
pub fn serve() -> io::Result<()> {
    let path = world().places.run.join(SOCKET);
    // One of a host that was killed in this directory.
    let _ = std::fs::remove_file(&path);
    for connection in UnixListener::bind(path)?.incoming() {
        let connection = connection?;
        std::thread::Builder::new().name("command".into()).spawn(move || {
            // Whoever asked may have gone.
            let _ = answer(&connection);
        })?;
    }
    Ok(())
}

fn answer(connection: &UnixStream) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    let (mut to, line) = (connection, line.trim());
    let (command, arguments) = line.split_once(' ').unwrap_or((line, ""));
    match command {
        "replay" => return replayed(connection, arguments),
        "fsctl" if arguments == "shutdown" => {
            to.write_all(b"+OK\n")?;
            loader::unload_all();
            log::write("NOTICE", "shut down");
            std::process::exit(0);
        }
        _ => {}
    }
    let text = own(command, arguments)
        .or_else(|| loader::command(command, arguments))
        .unwrap_or_else(|| format!("-ERR {command} Command not found!\n"));
    to.write_all(text.as_bytes())
}

fn own(command: &str, arguments: &str) -> Option<String> {
    Some(match (command, arguments) {
        ("load", name) => loader::load(name),
        ("unload", arguments) => match arguments.strip_prefix("-f ") {
            Some(name) => loader::unload(name, true),
            None => loader::unload(arguments, false),
        },
        ("reload", arguments) => {
            let (force, name) = arguments.strip_prefix("-f ").map_or((false, arguments), |name| (true, name));
            let unloaded = loader::unload(name, force);
            if unloaded.starts_with("-ERR") { unloaded } else { loader::load(name) }
        }
        ("module_exists", name) => loader::exists(name).to_string(),
        // A configuration is read from its file each time.
        ("reloadxml", _) => "+OK [Success]\n".into(),
        ("status", _) => "UP\nFreeSWITCH (stand-in) is ready\n".into(),
        ("version", _) => concat!(
            "FreeSWITCH Version ",
            env!("CALLVAULT_HOST_MAJOR"),
            ".",
            env!("CALLVAULT_HOST_MINOR"),
            ".",
            env!("CALLVAULT_HOST_MICRO"),
            " (stand-in)\n"
        )
        .into(),
        ("show", "api") => loader::names(true).join("\n") + "\n",
        ("show", "application") => loader::names(false).join("\n") + "\n",
        ("show", "channels count") => format!("{} total.\n", locked(&world().legs).len()),
        ("show", "channels") => locked(&world().legs).keys().fold(String::new(), |mut text, uuid| {
            let _ = writeln!(text, "{uuid}");
            text
        }),
        ("uuid_getvar", arguments) => variable(arguments),
        _ => return None,
    })
}

fn variable(arguments: &str) -> String {
    let (uuid, name) = arguments.split_once(' ').unwrap_or((arguments, ""));
    match locked(&world().legs).get(uuid) {
        Some(leg) => leg.variable(name).unwrap_or_else(|| "_undef_".into()),
        None => "-ERR No such channel!\n".into(),
    }
}

/// `replay FILE [EDIT …]`: `+OK BEGAN` at once, `+OK` at the trace's end.
fn replayed(mut to: &UnixStream, arguments: &str) -> io::Result<()> {
    let mut words = arguments.split(' ');
    let file = words.next().unwrap_or_default();
    let found = std::fs::read_to_string(file)
        .map_err(|fault| fault.to_string())
        .and_then(|text| trace::read(&text).map_err(|fault| fault.to_string()))
        .and_then(|trace| Ok((trace, Edits::parse(words)?)));
    match found {
        Ok((trace, edits)) => {
            replay::run(trace, &edits, |began| {
                // Whoever asked may have gone; the call goes on.
                let _ = writeln!(to, "+OK {began}");
            })?;
            to.write_all(b"+OK\n")
        }
        Err(fault) => writeln!(to, "-ERR {file}: {fault}"),
    }
}
