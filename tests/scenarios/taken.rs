//! What a real host did in a promise, kept for the stand-in: its trace, the parties' account, the recorder's policy.
use std::path::{Path, PathBuf};

use callvault_test_support::Proof;
use callvault_test_support::callvault::Vault;
use callvault_test_support::freeswitch::{Configuration, TRACE};
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::suite::Stage;

use crate::cast::Cast;
use crate::promise::Account;

/// Set where what real hosts do is to be kept.
pub const TAKE: &str = "CALLVAULT_TAKE_TRACES";

/// What the prompt says, where its trial said it.
const MANIFEST: &str = "notice.wav.prompt.json";

/// Stands for the trial's directory in a kept policy.
const DIRECTORY: &str = "@directory@";

/// One promise's files, `tests/host/traces/NAME.*`.
pub struct Taken(PathBuf);

impl Taken {
    /// By the promise's name.
    pub fn of(name: &str) -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/traces").join(name))
    }

    /// The trace.
    pub fn trace(&self) -> PathBuf {
        self.0.with_extension("trace")
    }

    /// All of them.
    pub fn files(&self) -> [PathBuf; 3] {
        ["trace", "json", "xml"].map(|kind| self.0.with_extension(kind))
    }

    /// Keeps what happened.
    pub fn keep(&self, stage: &Stage, cast: &Cast, account: &Account) -> Proof {
        let [trace, story, policy] = self.files();
        if let Some(directory) = trace.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::copy(cast.host.directory().join(TRACE), trace)?;
        std::fs::write(story, serde_json::to_string(account)? + "\n")?;
        let own = stage.directory().to_string_lossy().into_owned();
        std::fs::write(policy, cast.vault.configuration().replace(&own, DIRECTORY))?;
        let manifest = stage.directory().join(MANIFEST);
        if manifest.is_file() {
            std::fs::copy(manifest, self.0.with_extension("manifest"))?;
        }
        Ok(())
    }

    /// The parties' side of it.
    pub fn account(&self) -> Proof<Account> {
        let [_, story, _] = self.files();
        Ok(serde_json::from_str(&std::fs::read_to_string(story)?)?)
    }

    /// A recorder with that policy in a directory of this trial.
    pub fn vault(&self, directory: &Path) -> Proof<Vault> {
        let [_, _, policy] = self.files();
        let text = std::fs::read_to_string(policy)?.replace(DIRECTORY, &directory.to_string_lossy());
        crate::told::all_prompts(directory)?;
        let manifest = self.0.with_extension("manifest");
        if manifest.is_file() {
            std::fs::copy(manifest, directory.join(MANIFEST))?;
        }
        Ok(Vault::init(directory)?.with_configuration(text))
    }

    /// A stand-in with that recorder loaded.
    pub fn host(&self, directory: &Path) -> Proof<(StandIn, Vault)> {
        let vault = self.vault(directory)?;
        let host = StandIn::start(&vault.installed(Configuration::new()), &directory.join("host"))?;
        host.must("load mod_callvault")?;
        Ok((host, vault))
    }
}
