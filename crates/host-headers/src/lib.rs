//! Where the host's headers are, which version they are of, and what of them is bound. For build scripts: the module
//! and the stand-in host must see the same types.
//!
//! Headers come from `FREESWITCH_PREFIX` (an installation's prefix), else from `pkg-config freeswitch`, else from a
//! crate that ships those of 1.10. Nothing else in the project knows which.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a build script speaks to cargo through it")]
mod allow_list;
mod version;

use std::path::{Path, PathBuf};

pub use allow_list::{AllowList, BadAllowList};
pub use version::{BadVersion, Version};

/// The version whose headers the `fswtch-src` crate ships; its files name none.
const SHIPPED: &str = "1.10.12";

/// Headers to bind to.
#[derive(Debug, Clone)]
pub struct Headers {
    /// What the compiler is given by `-I`.
    pub include_dirs: Vec<PathBuf>,
    /// Which host they are of.
    pub version: Version,
    /// The version and the place, for a person.
    pub origin: String,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum NoHeaders {
    /// The named installation has none.
    #[error(
        "FREESWITCH_PREFIX={prefix}: there is no {missing} below it; name the prefix that FreeSWITCH was installed into"
    )]
    Incomplete {
        /// The value of the variable.
        prefix: String,
        /// What is not there.
        missing: &'static str,
    },
    /// Its version cannot be read.
    #[error(transparent)]
    Version(#[from] BadVersion),
    /// A file cannot be read or written.
    #[error("{path}: {fault}; look at its permissions and the space left")]
    File {
        /// Which.
        path: String,
        /// What the system says.
        fault: std::io::Error,
    },
}

impl Headers {
    /// For a build script: finds them and says what cargo must watch. `out` is the script's own directory.
    pub fn find(out: &Path) -> Result<Self, NoHeaders> {
        println!("cargo:rerun-if-env-changed=FREESWITCH_PREFIX");
        println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
        if let Some(prefix) = std::env::var_os("FREESWITCH_PREFIX") {
            return Self::of_prefix(Path::new(&prefix));
        }
        match pkg_config::Config::new().cargo_metadata(false).probe("freeswitch") {
            Ok(library) => Ok(Self::of(library.include_paths, &library.version)?),
            Err(_) => Self::shipped(out),
        }
    }

    /// Those of an installation.
    pub fn of_prefix(prefix: &Path) -> Result<Self, NoHeaders> {
        let incomplete = |missing| NoHeaders::Incomplete { prefix: prefix.display().to_string(), missing };
        let dir = [prefix.join("include/freeswitch"), prefix.join("include")]
            .into_iter()
            .find(|dir| dir.join("switch.h").is_file())
            .ok_or_else(|| incomplete("include/freeswitch/switch.h"))?;
        // The installed headers name no version; the file that they are installed with for pkg-config does.
        let description =
            ["lib/pkgconfig", "lib64/pkgconfig", "lib/x86_64-linux-gnu/pkgconfig", "lib/aarch64-linux-gnu/pkgconfig"]
                .into_iter()
                .map(|place| prefix.join(place).join("freeswitch.pc"))
                .find(|file| file.is_file())
                .ok_or_else(|| incomplete("lib/pkgconfig/freeswitch.pc"))?;
        println!("cargo:rerun-if-changed={}", description.display());
        let text = std::fs::read_to_string(&description).map_err(|fault| file(&description, fault))?;
        let version = text
            .lines()
            .find_map(|line| line.strip_prefix("Version:"))
            .ok_or_else(|| incomplete("Version in lib/pkgconfig/freeswitch.pc"))?;
        Ok(Self::of(vec![dir], version.trim())?)
    }

    /// Those that a crate ships.
    pub fn shipped(out: &Path) -> Result<Self, NoHeaders> {
        // The crate leaves out a header that the host's configure generates and that none of our types needs.
        let generated = out.join("generated");
        let empty = generated.join("switch_am_config.h");
        std::fs::create_dir_all(&generated).map_err(|fault| file(&generated, fault))?;
        std::fs::write(&empty, "").map_err(|fault| file(&empty, fault))?;
        let mut include_dirs = fswtch_src::include_dirs();
        include_dirs.push(generated);
        let version = Version::parse(SHIPPED)?;
        let origin = format!("{}.{} as shipped by fswtch-src", version.major, version.minor);
        Ok(Self { include_dirs, version, origin })
    }

    fn of(include_dirs: Vec<PathBuf>, version: &str) -> Result<Self, BadVersion> {
        let dir = include_dirs.first().map(|dir| dir.display().to_string()).unwrap_or_default();
        Ok(Self { include_dirs, version: Version::parse(version)?, origin: format!("{version} in {dir}") })
    }

    /// What bindgen is told, the same for everybody: `wrapper.h` and `allow-list` of the directory `include`.
    pub fn bindings(&self, include: &Path) -> Result<bindgen::Builder, BadAllowList> {
        println!("cargo:rerun-if-changed={}", include.display());
        let builder = bindgen::Builder::default()
            .header(include.join("wrapper.h").display().to_string())
            .clang_args(self.include_dirs.iter().map(|dir| format!("-I{}", dir.display())))
            .default_enum_style(bindgen::EnumVariation::Consts)
            .prepend_enum_name(false)
            .layout_tests(true)
            .derive_debug(false)
            .generate_comments(false);
        Ok(AllowList::read(&include.join("allow-list"))?.apply(builder))
    }
}

fn file(path: &Path, fault: std::io::Error) -> NoHeaders {
    NoHeaders::File { path: path.display().to_string(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(pc: Option<&str>) -> tempfile::TempDir {
        let prefix = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir_all(prefix.path().join("include/freeswitch")).expect("made");
        std::fs::create_dir_all(prefix.path().join("lib/pkgconfig")).expect("made");
        std::fs::write(prefix.path().join("include/freeswitch/switch.h"), "").expect("written");
        if let Some(text) = pc {
            std::fs::write(prefix.path().join("lib/pkgconfig/freeswitch.pc"), text).expect("written");
        }
        prefix
    }

    #[test]
    fn a_prefix_names_headers_and_their_version() {
        let prefix = installation(Some("Name: freeswitch\nVersion: 1.11.3-dev\n"));
        let headers = Headers::of_prefix(prefix.path()).expect("complete");
        assert_eq!(headers.version, Version { major: "1".into(), minor: "11".into(), micro: "3".into() });
        assert_eq!(headers.include_dirs, [prefix.path().join("include/freeswitch")]);
        assert!(headers.origin.starts_with("1.11.3-dev in "));
    }

    #[test]
    fn a_prefix_without_its_parts_says_what_is_missing() {
        for (prefix, missing) in [
            (installation(None), "freeswitch.pc"),
            (installation(Some("Name: freeswitch\n")), "Version in"),
            (tempfile::tempdir().expect("a temporary directory"), "switch.h"),
        ] {
            let fault = Headers::of_prefix(prefix.path()).expect_err("incomplete").to_string();
            assert!(fault.contains(missing) && fault.contains("name the prefix"), "{fault}");
        }
    }

    #[test]
    fn the_shipped_headers_are_there() {
        let out = tempfile::tempdir().expect("a temporary directory");
        let headers = Headers::shipped(out.path()).expect("shipped");
        assert!(headers.include_dirs.iter().any(|dir| dir.join("switch.h").is_file()));
        assert_eq!((headers.version.major.as_str(), headers.version.minor.as_str()), ("1", "10"));
    }
}
