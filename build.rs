//! Binds the host: makes the bindings over an allow-list and compiles the C shim, against the headers that
//! `callvault-host-headers` finds.
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use callvault_host_headers::Headers;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let headers = Headers::find(&out)?;
    let bindings = headers.bindings(Path::new("include"))?.allowlist_function(".*_callvault_shim").generate()?;
    bindings.write_to_file(out.join("bindings.rs"))?;
    compile_shim(&headers);
    // The host's symbols come from the process that loads us; unit tests run without one and call none.
    println!("cargo:rustc-link-arg=-Wl,--unresolved-symbols=ignore-all");
    println!("cargo:rustc-env=CALLVAULT_HOST_MAJOR={}", headers.version.major);
    println!("cargo:rustc-env=CALLVAULT_HOST_MINOR={}", headers.version.minor);
    println!("cargo:rustc-env=CALLVAULT_HOST_HEADERS={}", headers.origin);
    Ok(())
}

fn compile_shim(headers: &Headers) {
    let mut build = cc::Build::new();
    build.file("include/shim.c").include("include").warnings(false).flag_if_supported("-fvisibility=hidden");
    for dir in &headers.include_dirs {
        build.include(dir);
    }
    build.compile("callvault_shim");
}
