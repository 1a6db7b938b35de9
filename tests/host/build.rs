//! The host's types for the stand-in and the tracer, from the same headers and list as the module's, and what only C
//! can define.
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use callvault_host_headers::Headers;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let headers = Headers::find(&out)?;
    let mut builder = headers.bindings(Path::new("../../include"))?.ignore_functions();
    // What the module's own shim uses of the host beyond the module's list.
    const MORE: [&str; 13] = [
        "switch_channel_t",
        "switch_media_bug_t",
        "switch_media_bug_callback_t",
        "switch_file_handle",
        "switch_input_args_t",
        "switch_rtp_stats_t",
        "switch_rtp_t",
        "switch_rtp_flag_t",
        "dtls_state_t",
        "dtls_type_t",
        "switch_event_node_t",
        "switch_event_callback_t",
        "switch_io_flag_t",
    ];
    for name in MORE {
        builder = builder.allowlist_type(name);
    }
    builder.generate()?.write_to_file(out.join("bindings.rs"))?;

    println!("cargo:rerun-if-changed=src/variadic.c");
    let mut variadic = cc::Build::new();
    variadic.file("src/variadic.c").warnings(true).cargo_metadata(false);
    for dir in &headers.include_dirs {
        variadic.flag(format!("-isystem{}", dir.display()));
    }
    variadic.compile("variadic");
    println!("cargo:rustc-link-arg-bin=stand-in={}", out.join("libvariadic.a").display());
    // The module finds the host's functions in the program that loads it.
    println!("cargo:rustc-link-arg-bin=stand-in=-rdynamic");
    for (name, value) in
        [("MAJOR", &headers.version.major), ("MINOR", &headers.version.minor), ("MICRO", &headers.version.micro)]
    {
        println!("cargo:rustc-env=CALLVAULT_HOST_{name}={value}");
    }
    Ok(())
}
