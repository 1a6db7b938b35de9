//! Starting: everything that can be refused is refused before a thread runs, each with what to do.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::unbounded;

use super::bookkeeper::{Bookkeeper, books};
use super::clock_watch::ClockWatch;
use super::event::Notify;
use super::keeper::Keeper;
use super::key_stock::{HostLimits, KeyStock, provision};
use super::recovery::{Recovered, RecoveryFault, recover};
use super::rosters::Rosters;
use super::shared::Shared;
use super::tally::last_hours;
use super::thread::Controller;
use super::{Recorder, Threads};
use crate::access::{NodeKey, NodeKeyFault, PublicSigningKey};
use crate::audit::{Action, Actor, AuditFault, AuditLog, BootId, Entry, Object, Verdict};
use crate::catalogue::{Catalogue, CatalogueFault, CatalogueReader};
use crate::codec::HostDecoders;
use crate::encoding::{EncoderPool, PoolFault, PoolSettings, SegmentFiles};
use crate::keystore::{DestroyFault, Keystore, KeystoreFault, ProvisionFault};
use crate::policy::Policy;
use crate::store::{Store, StoreFault};
use crate::time::Clock;

/// What a recorder is started with.
pub struct Startup {
    /// The policy in force from the start.
    pub policy: Policy,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// What decodes codecs that the core does not decode itself.
    pub decoders: Arc<dyn HostDecoders>,
    /// Who hears of it.
    pub notify: Arc<dyn Notify>,
    /// How many legs may begin at once.
    pub limits: HostLimits,
}

/// Why a recorder does not start. Nothing runs then, and nothing was changed but what a crash left open.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The data directory is missing, read-only, or open to others.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreFault),
    /// The keystore is missing, damaged, or in use by another process.
    #[error(transparent)]
    Keystore(#[from] KeystoreFault),
    /// No epoch key could be made.
    #[error(transparent)]
    Epochs(#[from] ProvisionFault),
    /// Keys that nobody used could not be destroyed.
    #[error(transparent)]
    Unused(#[from] DestroyFault),
    /// The catalogue is damaged, of a later version, or open to others.
    #[error(transparent)]
    Catalogue(#[from] CatalogueFault),
    /// The audit log cannot be written, or was changed.
    #[error(transparent)]
    Audit(#[from] AuditFault),
    /// The node's key is missing or open to others.
    #[error(transparent)]
    NodeKey(#[from] NodeKeyFault),
    /// The encoder threads could not be started.
    #[error(transparent)]
    Pool(#[from] PoolFault),
    /// The operating system gave no thread.
    #[error("the {name} thread could not be started ({source}); raise the limit on tasks of the host's service")]
    Thread {
        /// Which.
        name: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

impl StartFault {
    /// A stable word for logs and scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store_unusable",
            Self::Keystore(_) => "keystore_unusable",
            Self::Epochs(_) => "epochs_unusable",
            Self::Unused(_) => "keystore_not_overwritten",
            Self::Catalogue(fault) => fault.code(),
            Self::Audit(fault) => fault.code(),
            Self::NodeKey(_) => "node_key_unusable",
            Self::Pool(_) | Self::Thread { .. } => "no_thread",
        }
    }
}

impl From<RecoveryFault> for StartFault {
    fn from(fault: RecoveryFault) -> Self {
        match fault {
            RecoveryFault::Store(fault) => Self::Store(fault),
            RecoveryFault::Catalogue(fault) => Self::Catalogue(fault),
        }
    }
}

/// What may wait, sealed, for a store that stalls, in bytes: 200 calls of two parties at 24 kbit/s for over three
/// minutes, or a thousand in G.711 as it came for a quarter of a minute.
const STORE_BACKLOG: u64 = 256 << 20;

pub(super) fn start(startup: Startup) -> Result<Recorder, StartFault> {
    let Startup { policy, clock, decoders, notify, limits } = startup;
    let policy = Arc::new(policy);
    let now = clock.now();
    let data_dir = policy.data_dir.clone();
    let store = Arc::new(Store::open(&data_dir)?);
    let keystore = Arc::new(Keystore::open(&policy.keystore_dir)?);
    let node = NodeKey::open(&data_dir.join("node.key"))?;
    let mut audit = AuditLog::open(store.directory(), node.signing_key().clone(), BootId::of_this_machine(), now)?;
    let catalogue_file: PathBuf = data_dir.join("catalogue.sqlite");
    let mut catalogue = Catalogue::open(&catalogue_file)?;

    let last_known = audit.last_entry_at();
    let shared = Arc::new(Shared::new(clock, notify, Arc::clone(&policy)));
    let recovered = recover(&store, &mut catalogue, now, policy.retention)?;
    settle(&recovered, &keystore, &mut audit, &shared)?;
    provision(&keystore, now, policy.retention)?;
    count_former_outcomes(&catalogue_file, &shared)?;

    let officer = PublicSigningKey::from(*keystore.officer());
    let rosters = Arc::new(Rosters::new(officer, Arc::clone(&keystore), &data_dir));
    let mut stock = KeyStock::new(limits);
    let keys = stock.keys();
    let (books, orders) = books();
    // A roster that is refused is an alarm, not a reason not to load: calls go on, status says why (issue of E11).
    let _ = rosters.refresh(&policy.roster, &shared);
    if let Some(recipients) = rosters.recipients() {
        stock.change_recipients(recipients);
        // The first batch is there before the first call.
        if let Some(Err(fault)) = stock.restock(&keystore, &shared) {
            shared.raise("keystore_fault", fault.to_string());
        }
    }

    let (report, reports) = unbounded();
    let settings =
        PoolSettings { threads: policy.encoder_threads, profile: policy.profile, store_backlog: STORE_BACKLOG };
    let files: Arc<dyn SegmentFiles> = Arc::<Store>::clone(&store);
    let pool = Arc::new(EncoderPool::start(settings, files, decoders, Arc::clone(&shared.clock), report)?);
    let (message, messages) = unbounded();
    let (order, keeper_orders) = unbounded();

    let bookkeeper = Bookkeeper::new(Arc::clone(&shared), catalogue, Arc::clone(&keystore), Arc::clone(&store), stock);
    // The controller's thread alone keeps the pool alive, so that the pool's threads end with it.
    let pool_seen = Arc::downgrade(&pool);
    let controller = Controller::new(Arc::clone(&shared), pool, Arc::clone(&keys), books.clone(), order.clone());
    let keeper = Keeper {
        clock: ClockWatch::begin(now, shared.clock.monotonic(), last_known),
        shared: Arc::clone(&shared),
        catalogue: Catalogue::open(&catalogue_file)?,
        reader: CatalogueReader::open(&catalogue_file)?,
        keystore: Arc::clone(&keystore),
        store: Arc::clone(&store),
        rosters: Arc::clone(&rosters),
        node,
        log: audit,
        books: books.clone(),
        controller: message.clone(),
        keys_wanted: limits.keys(),
        overdue_since: None,
        frames_lost: 0,
        hung_up: Vec::new(),
        rows_first: false,
    };
    let threads = Threads {
        bookkeeper: thread("callvault-books", move || bookkeeper.run(&orders))?,
        keeper: thread("callvault-keeper", move || keeper.run(&keeper_orders))?,
        controller: thread("callvault-control", move || controller.run(&messages, &reports))?,
    };
    Ok(Recorder {
        shared,
        messages: message,
        books,
        keeper: order,
        rosters,
        catalogue: CatalogueReader::open(&catalogue_file)?,
        store,
        keys,
        pool: pool_seen,
        threads: std::sync::Mutex::new(Some(threads)),
    })
}

/// Keys of a former life: those that a segment needs are bound, all others destroyed. What recovery did is audited.
fn settle(recovered: &Recovered, keystore: &Keystore, audit: &mut AuditLog, shared: &Shared) -> Result<(), StartFault> {
    let settled = keystore.settle(&recovered.claims)?;
    for (name, fault) in &recovered.unreadable {
        shared.raise("segment_unreadable", format!("{name}: {fault}"));
    }
    let found = keystore.found();
    if !found.damaged.is_empty() {
        shared.raise(
            "slots_damaged",
            format!("{} slots of recorded tracks are damaged; restore the keystore's copy", found.damaged.len()),
        );
    }
    if !found.epochs_missing.is_empty() {
        shared.raise(
            "epochs_missing",
            format!("{} epoch keys are missing; mount the volume of `epochs/`", found.epochs_missing.len()),
        );
    }
    let now = shared.clock.now();
    let started = Entry::new(now, Actor::Recorder, Action::RecorderStart, Object::Recorder, Verdict::Done)
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("policy", &shared.policy.load().hash)
        .with("unused_keys_destroyed", settled.destroyed);
    let mut entries = vec![started];
    entries.extend(
        recovered.truncated.iter().map(|&id| {
            Entry::new(now, Actor::Recorder, Action::RecordingTruncate, Object::Recording(id), Verdict::Done)
        }),
    );
    audit.append_all(&entries)?;
    Ok(())
}

/// So that the day's counts survive a restart.
fn count_former_outcomes(catalogue: &std::path::Path, shared: &Shared) -> Result<(), StartFault> {
    let reader = CatalogueReader::open(catalogue)?;
    let mut later: BTreeMap<String, u64> = BTreeMap::new();
    for hour in last_hours(shared.started_at) {
        let since: BTreeMap<String, u64> = reader.outcomes_since(hour)?.into_iter().collect();
        let of_hour = since.iter().map(|(word, n)| (word.as_str(), n - later.get(word).copied().unwrap_or(0).min(*n)));
        shared.tally().bring_over(hour, of_hour);
        later = since;
    }
    Ok(())
}

fn thread(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartFault> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|source| StartFault::Thread { name, source })
}
