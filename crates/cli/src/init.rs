//! `callvault init`: a recorder's directory, ready to be loaded.
use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use callvault_recorder::access::{NodeKey, NodeKeyFault, PublicLine, Role};
use callvault_recorder::catalogue::{Catalogue, CatalogueFault};
use callvault_recorder::keystore::{Keystore, KeystoreFault};
use callvault_recorder::store::{Store, StoreFault};

use crate::args::Init;
use crate::configuration;
use crate::failure::{Kind, of_identity};
use crate::identity::IdentityFault;
use crate::output::{self, OutputFault};
use crate::private_file::PrivateFileFault;
use crate::roster::RosterCommandFault;
use crate::starter::{self, Starter};

/// Why there is no recorder's directory.
#[derive(Debug, thiserror::Error)]
pub enum InitFault {
    /// Something is there already.
    #[error("{} is not empty, and nothing is overwritten. Give a new directory.", .0.display())]
    NotEmpty(PathBuf),
    /// It cannot be made.
    #[error("{} cannot be made: {source}. Check the path and who may write there.", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is of another role.
    #[error(
        "the line given with --{wanted} has the role {found}. Give the one that was made with `callvault enrol --role {wanted}`."
    )]
    WrongRole {
        /// What was asked for.
        wanted: Role,
        /// What was given.
        found: Role,
    },
    /// The keys would lie where they must not.
    #[error("the keys may not lie in {}: whoever takes that directory would have everything. Give another place for them.", .0.display())]
    KeysInside(PathBuf),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueFault),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreFault),
    /// The node key.
    #[error(transparent)]
    NodeKey(#[from] NodeKeyFault),
    /// An identity of the starter.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// A file of the starter.
    #[error(transparent)]
    File(#[from] PrivateFileFault),
    /// The roster of the starter.
    #[error(transparent)]
    Roster(#[from] RosterCommandFault),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputFault),
}

impl InitFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::NotEmpty(_) => (Kind::System, "init_not_empty"),
            Self::Directory { .. } => (Kind::System, "init_directory"),
            Self::WrongRole { .. } => (Kind::Malformed, "init_wrong_role"),
            Self::KeysInside(_) => (Kind::Refused, "init_keys_inside"),
            Self::Store(_) => (Kind::System, "init_store"),
            Self::Catalogue(_) => (Kind::System, "init_catalogue"),
            Self::Keystore(_) => (Kind::System, "init_keystore"),
            Self::NodeKey(_) => (Kind::System, "init_node_key"),
            Self::Identity(fault) => of_identity(fault),
            Self::File(_) => (Kind::System, "identity_not_written"),
            Self::Roster(fault) => fault.kind_and_code(),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// Makes it, or leaves nothing.
pub fn run(asked: &Init) -> Result<(), InitFault> {
    let mut made = Made::default();
    let said = match (&asked.officer, &asked.recovery, &asked.starter) {
        (_, _, Some(keys)) => with_starter(&asked.directory, keys, &mut made)?,
        (Some(officer), Some(recovery), None) => with_lines(&asked.directory, officer, recovery, &mut made)?,
        // The command line's own rules leave nothing else.
        _ => return Ok(()),
    };
    made.keep();
    output::print(&said)?;
    Ok(())
}

fn with_lines(
    directory: &Path,
    officer: &PublicLine,
    recovery: &PublicLine,
    made: &mut Made,
) -> Result<String, InitFault> {
    for (line, wanted) in [(officer, Role::Officer), (recovery, Role::Recovery)] {
        if line.role != wanted {
            return Err(InitFault::WrongRole { wanted, found: line.role });
        }
    }
    let directory = made.directory(directory)?;
    let node = recorder(&directory, officer, made)?;
    let roster = directory.join("roster.json");
    Ok([
        places(&directory, &node),
        format!("The privacy officer {} now makes the roster and puts it at {}:", officer.name, roster.display()),
        format!("  callvault roster add {recovery} --roster roster.json --identity OFFICER"),
        "  callvault roster add LINE --purposes complaint,training --roster roster.json --identity OFFICER".to_owned(),
        "with the LINE of each manager. Until it is there, calls go on and are not recorded.".to_owned(),
    ]
    .join("\n"))
}

fn with_starter(directory: &Path, keys: &Path, made: &mut Made) -> Result<String, InitFault> {
    let directory = made.directory(directory)?;
    let keys = made.directory(keys)?;
    if keys.starts_with(&directory) {
        return Err(InitFault::KeysInside(directory));
    }
    let starter = Starter::generate()?;
    let node = recorder(&directory, starter.officer(), made)?;
    let roster = directory.join("roster.json");
    let files = starter.files(&keys);
    files.iter().chain([&roster]).for_each(|file| made.file(file));
    starter.write(&keys, &roster)?;
    let names: Vec<String> = files.iter().map(|file| format!("  {}", file.display())).collect();
    Ok([
        places(&directory, &node),
        format!("Identities, all under the passphrase you gave:\n{}", names.join("\n")),
        format!("On the roster: {}, for all five purposes.", starter::MANAGER),
        format!(
            "Carry {} off this machine and delete it here: with these keys everything that is recorded can be opened.",
            keys.display()
        ),
    ]
    .join("\n"))
}

/// Store, catalogue, keystore, node key and configuration.
fn recorder(directory: &Path, officer: &PublicLine, made: &mut Made) -> Result<NodeKey, InitFault> {
    let data = directory.join("data");
    made.tree(&data);
    let store = Store::create(&data)?;
    let node = NodeKey::create(&data.join("node.key"))?;
    drop(Catalogue::open(&data.join("catalogue.sqlite"))?);
    store.sync_all()?;
    let keystore = directory.join("keystore");
    made.tree(&keystore);
    drop(Keystore::create(&keystore, &officer.ed25519.verifying_key())?);
    let prompts = directory.join("prompts");
    made.tree(&prompts);
    fs::create_dir(&prompts).map_err(|source| InitFault::Directory { path: prompts.clone(), source })?;
    let text = configuration::for_directory(directory);
    let public = format!("{}\n", node.public());
    let texts = [("callvault.conf.xml", text.as_bytes()), ("node.pub", public.as_bytes())];
    let places = texts.map(|(name, bytes)| (directory.join(name), bytes));
    let sounds = configuration::PROMPTS.map(|(name, bytes)| (prompts.join(name), bytes));
    for (file, bytes) in places.into_iter().chain(sounds) {
        made.file(&file);
        write(&file, bytes).map_err(|source| InitFault::Directory { path: file, source })?;
    }
    Ok(node)
}

fn places(directory: &Path, node: &NodeKey) -> String {
    format!(
        "{} is ready for a FreeSWITCH that runs as this same user. Copy callvault.conf.xml from it to its autoload_configs.\nThis node signs released copies with {} (node.pub).",
        directory.display(),
        node.public()
    )
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What was made so far; dropped before [`keep`](Self::keep) it is unmade.
#[derive(Default)]
struct Made {
    trees: Vec<PathBuf>,
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    kept: bool,
}

impl Made {
    /// Makes a directory, mode 0700, or takes an empty one; its absolute path.
    fn directory(&mut self, path: &Path) -> Result<PathBuf, InitFault> {
        let fault = |source| InitFault::Directory { path: path.to_owned(), source };
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.directories.push(path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
                if fs::read_dir(path).map_err(fault)?.next().is_some() {
                    return Err(InitFault::NotEmpty(path.to_owned()));
                }
            }
            Err(source) => return Err(fault(source)),
        }
        fs::canonicalize(path).map_err(fault)
    }

    fn tree(&mut self, path: &Path) {
        self.trees.push(path.to_owned());
    }

    fn file(&mut self, path: &Path) {
        self.files.push(path.to_owned());
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // The fault that led here is the one that is told.
        for tree in self.trees.iter().rev() {
            let _ = fs::remove_dir_all(tree);
        }
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}
