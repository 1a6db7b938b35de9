//! Finding the host: `pkg-config freeswitch`, else `FREESWITCH_PREFIX`.
use std::path::{Path, PathBuf};
use std::process::Command;

/// The host as a program on this machine.
pub struct FreeSwitch;

/// Where its parts lie.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The program.
    pub program: PathBuf,
    /// Its modules.
    pub modules: PathBuf,
    /// Its libraries.
    pub libraries: PathBuf,
}

impl FreeSwitch {
    /// The host that is installed here, if one is.
    pub fn find() -> Option<Installation> {
        Self::by_pkg_config().or_else(|| Self::under(Path::new(&std::env::var_os("FREESWITCH_PREFIX")?)))
    }

    fn by_pkg_config() -> Option<Installation> {
        let variable = |name: &str| -> Option<PathBuf> {
            let output =
                Command::new("pkg-config").arg(format!("--variable={name}")).arg("freeswitch").output().ok()?;
            let value = String::from_utf8(output.stdout).ok()?;
            (output.status.success() && !value.trim().is_empty()).then(|| value.trim().into())
        };
        Self::whole(variable("bindir")?.join("freeswitch"), variable("modulesdir")?, variable("libdir")?)
    }

    fn under(prefix: &Path) -> Option<Installation> {
        let modules =
            ["lib/freeswitch/mod", "mod"].into_iter().map(|path| prefix.join(path)).find(|path| path.is_dir())?;
        Self::whole(prefix.join("bin/freeswitch"), modules, prefix.join("lib"))
    }

    /// Development files alone make no host.
    fn whole(program: PathBuf, modules: PathBuf, libraries: PathBuf) -> Option<Installation> {
        let complete = program.is_file() && modules.join("mod_sofia.so").is_file();
        complete.then_some(Installation { program, modules, libraries })
    }
}

impl Installation {
    /// Whether a module is installed.
    pub fn has(&self, module: &str) -> bool {
        self.modules.join(format!("{module}.so")).is_file()
    }

    /// What `freeswitch -version` says.
    pub fn version(&self) -> Option<String> {
        let output =
            Command::new(&self.program).arg("-version").env("LD_LIBRARY_PATH", &self.libraries).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
