//! Binds the host: finds its headers, makes the bindings over an allow-list, compiles the C shim.
//!
//! Headers come from `FREESWITCH_PREFIX` (an installation's prefix), else from `pkg-config freeswitch`, else from a
//! crate that ships those of 1.10. Nothing else in the project knows which.
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// The version whose headers the `fswtch-src` crate ships; its files name none.
const SHIPPED_VERSION: (&str, &str) = ("1", "10");

struct Headers {
    include_dirs: Vec<PathBuf>,
    major: String,
    minor: String,
    origin: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=include");
    println!("cargo:rerun-if-env-changed=FREESWITCH_PREFIX");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let headers = installed()?.map_or_else(|| shipped(&out), Ok)?;
    bind(&headers, &out)?;
    compile_shim(&headers);
    // The host's symbols come from the process that loads us; unit tests run without one and call none.
    println!("cargo:rustc-link-arg=-Wl,--unresolved-symbols=ignore-all");
    println!("cargo:rustc-env=CALLVAULT_HOST_MAJOR={}", headers.major);
    println!("cargo:rustc-env=CALLVAULT_HOST_MINOR={}", headers.minor);
    println!("cargo:rustc-env=CALLVAULT_HOST_HEADERS={}", headers.origin);
    Ok(())
}

fn installed() -> Result<Option<Headers>, Box<dyn Error>> {
    if let Some(prefix) = env::var_os("FREESWITCH_PREFIX") {
        return of_prefix(Path::new(&prefix)).map(Some);
    }
    match pkg_config::Config::new().cargo_metadata(false).probe("freeswitch") {
        Ok(library) => headers(library.include_paths, &library.version).map(Some),
        Err(_) => Ok(None),
    }
}

fn of_prefix(prefix: &Path) -> Result<Headers, Box<dyn Error>> {
    let dir = [prefix.join("include/freeswitch"), prefix.join("include")]
        .into_iter()
        .find(|dir| dir.join("switch.h").is_file())
        .ok_or_else(|| format!("FREESWITCH_PREFIX={}: no include/freeswitch/switch.h below it", prefix.display()))?;
    // The installed headers name no version; the file that they are installed with for pkg-config does.
    let description =
        ["lib/pkgconfig", "lib64/pkgconfig", "lib/x86_64-linux-gnu/pkgconfig", "lib/aarch64-linux-gnu/pkgconfig"]
            .into_iter()
            .map(|place| prefix.join(place).join("freeswitch.pc"))
            .find(|file| file.is_file())
            .ok_or_else(|| {
                format!("FREESWITCH_PREFIX={}: no lib/pkgconfig/freeswitch.pc below it", prefix.display())
            })?;
    println!("cargo:rerun-if-changed={}", description.display());
    let text = std::fs::read_to_string(&description)?;
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("Version:"))
        .ok_or_else(|| format!("{}: no Version", description.display()))?;
    headers(vec![dir], version.trim())
}

/// `version` is `1.11.3-dev` or the like; layouts are stable within major and minor.
fn headers(include_dirs: Vec<PathBuf>, version: &str) -> Result<Headers, Box<dyn Error>> {
    let mut parts = version.split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        return Err(format!("the host calls its version {version}: not major.minor.micro").into());
    };
    let dir = include_dirs.first().map(|dir| dir.display().to_string()).unwrap_or_default();
    Ok(Headers { major: major.into(), minor: minor.into(), origin: format!("{version} in {dir}"), include_dirs })
}

fn shipped(out: &Path) -> Result<Headers, Box<dyn Error>> {
    // The crate leaves out a header that the host's configure generates and that none of our types needs.
    let generated = out.join("generated");
    std::fs::create_dir_all(&generated)?;
    std::fs::write(generated.join("switch_am_config.h"), "")?;
    let mut include_dirs = fswtch_src::include_dirs();
    include_dirs.push(generated);
    let (major, minor) = SHIPPED_VERSION;
    Ok(Headers {
        include_dirs,
        major: major.into(),
        minor: minor.into(),
        origin: format!("{major}.{minor} as shipped by fswtch-src"),
    })
}

fn bind(headers: &Headers, out: &Path) -> Result<(), Box<dyn Error>> {
    let allow = std::fs::read_to_string("include/allow-list")?;
    let mut builder = bindgen::Builder::default()
        .header("include/wrapper.h")
        .clang_args(headers.include_dirs.iter().map(|dir| format!("-I{}", dir.display())))
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .layout_tests(true)
        .derive_debug(false)
        .generate_comments(false)
        .allowlist_function(".*_callvault_shim");
    for line in allow.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (kind, pattern) = line.split_once(' ').ok_or_else(|| format!("include/allow-list: {line}"))?;
        builder = match kind {
            "function" => builder.allowlist_function(pattern),
            "type" => builder.allowlist_type(pattern),
            "value" => builder.allowlist_var(pattern),
            "opaque" => builder.opaque_type(pattern),
            _ => return Err(format!("include/allow-list: unknown kind {kind}").into()),
        };
    }
    builder.generate()?.write_to_file(out.join("bindings.rs"))?;
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
