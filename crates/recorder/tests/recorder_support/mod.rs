//! A recorder in a directory of its own, people who may open what it records, and legs that speak in tones.
#![allow(dead_code, reason = "each test file takes what it needs")]
pub mod stage;
pub mod told;

use std::collections::BTreeSet;
use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callvault_recorder::access::{NodeKey, Nonce, PublicLine, Role, Roster, TicketRequest, sign_ticket};
use callvault_recorder::capture::{FrameFormat, Gate, HostFrame, TapCounters, TapWriter, frame_ring};
use callvault_recorder::codec::{Decoder, HostDecoders, NoDecoder};
use callvault_recorder::controller::{HostLimits, LegState, Notify, Recorder, RecorderEvent, StartFault, Startup};
use callvault_recorder::conversation::{Direction, LegFacts, LegInput, Personal, Request, Side};
use callvault_recorder::disclosure::{CopyFault, CopyReader, Format, Layout};
use callvault_recorder::encoding::RingSide;
use callvault_recorder::evidence::NoticeState;
use callvault_recorder::ids::{InstanceTag, LegKey, LegUuid, RecordingId};
use callvault_recorder::keystore::Keystore;
use callvault_recorder::policy::{Outcome, Policy, Purpose, RawElement};
use callvault_recorder::seal::X25519Identity;
use callvault_recorder::store::Store;
use callvault_recorder::time::{Clock, ManualClock, UnixMillis};
use ed25519_dalek::SigningKey;

/// 2026-11-24, about noon UTC.
pub const NOON: UnixMillis = UnixMillis(1_795_521_600_000);
pub const CALLER_NUMBER: &str = "+31612345678";
pub const AGENT_NUMBER: &str = "+31201234567";
pub const CALLER_NAME: &str = "Anna van der Test";

/// Somebody with an identity of their own.
pub struct Person {
    pub name: &'static str,
    pub identity: X25519Identity,
    pub signing: SigningKey,
}

impl Person {
    pub fn new(name: &'static str, seed: u8) -> Self {
        Self {
            name,
            identity: X25519Identity::generate().expect("randomness"),
            signing: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    /// A ticket for a complaint about this recording.
    pub fn ticket(&self, recording: RecordingId, purpose: Purpose, now: UnixMillis) -> String {
        let request = TicketRequest { recording, purpose, reference: "case 17".parse().expect("a reference") };
        sign_ticket(&request, &self.signing, now, Nonce::generate().expect("randomness"))
    }

    pub fn line(&self, role: Role) -> PublicLine {
        PublicLine::sign(role, self.name.parse().expect("a name"), self.identity.to_public(), &self.signing)
    }
}

/// What `callvault init` makes, and the people around it.
pub struct Site {
    pub directory: tempfile::TempDir,
    pub officer: SigningKey,
    pub manager: Person,
    pub recovery: Person,
    pub roster: Roster,
}

impl Site {
    /// Store, keystore, node key and a roster of one manager for complaints and one recovery key.
    pub fn new() -> Self {
        let site = Self::without_roster();
        site.with_roster()
    }

    pub fn without_roster() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let officer = SigningKey::from_bytes(&[1; 32]);
        Store::create(&directory.path().join("data")).expect("a store");
        Keystore::create(&directory.path().join("keys"), &officer.verifying_key()).expect("a keystore");
        NodeKey::create(&directory.path().join("data/node.key")).expect("a node key");
        Self {
            directory,
            officer,
            manager: Person::new("marie", 2),
            recovery: Person::new("recovery", 3),
            roster: Roster::empty(),
        }
    }

    fn with_roster(mut self) -> Self {
        self.roster.add(&self.manager.line(Role::Manager), BTreeSet::from([Purpose::Complaint])).expect("added");
        self.roster.add(&self.recovery.line(Role::Recovery), BTreeSet::new()).expect("added");
        self.write_roster();
        self
    }

    /// The officer signs the roster as it stands.
    pub fn write_roster(&mut self) {
        let text = self.roster.sign_next(&self.officer, NOON).expect("signed");
        std::fs::write(self.path("roster"), text).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn policy(&self, params: &[(&str, &str)]) -> Policy {
        policy(self.directory.path(), params)
    }

    pub fn start(&self, clock: &Arc<ManualClock>, heard: &Arc<Heard>) -> Result<Recorder, StartFault> {
        self.start_with(self.policy(&[]), Arc::<ManualClock>::clone(clock), heard)
    }

    pub fn start_with(
        &self,
        policy: Policy,
        clock: Arc<dyn Clock>,
        heard: &Arc<Heard>,
    ) -> Result<Recorder, StartFault> {
        start(policy, clock, heard)
    }
}

/// A recorder of this policy.
pub fn start(policy: Policy, clock: Arc<dyn Clock>, heard: &Arc<Heard>) -> Result<Recorder, StartFault> {
    start_on(HostLimits { sessions: 512, sessions_per_second: 30 }, policy, clock, heard)
}

/// The same on a host that lets so much happen at once.
pub fn start_on(
    limits: HostLimits,
    policy: Policy,
    clock: Arc<dyn Clock>,
    heard: &Arc<Heard>,
) -> Result<Recorder, StartFault> {
    let notify = Arc::<Heard>::clone(heard);
    Recorder::start(Startup { policy, clock, decoders: Arc::new(NoHostDecoders), notify, limits })
}

/// The policy of a site in this directory.
pub fn policy(directory: &Path, params: &[(&str, &str)]) -> Policy {
    let text = |name: &str| directory.join(name).to_str().expect("UTF-8").to_owned();
    let (data, keys, roster) = (text("data"), text("keys"), text("roster"));
    let own = [
        ("data-dir", data.as_str()),
        ("keystore-dir", keys.as_str()),
        ("roster", roster.as_str()),
        ("instance", "pbx-test"),
        ("encoder-threads", "1"),
        ("uninformed", "record"),
    ];
    let own = own.into_iter().filter(|(name, _)| params.iter().all(|(other, _)| other != name));
    let settings = own.chain(params.iter().copied()).fold(RawElement::new("settings"), |settings, (name, value)| {
        settings.containing(RawElement::new("param").with("name", name).with("value", value))
    });
    let prompt = |language: &str| {
        let file = format!("/usr/share/callvault/notice-{language}.wav");
        RawElement::new("prompt").with("id", "notice").with("language", language).with("file", file)
    };
    let prompts = RawElement::new("prompts").containing(prompt("nl")).containing(prompt("en"));
    let config =
        RawElement::new("configuration").with("name", "callvault.conf").containing(settings).containing(prompts);
    Policy::parse(&config).unwrap_or_else(|faults| panic!("{faults:?}"))
}

struct NoHostDecoders;

impl HostDecoders for NoHostDecoders {
    fn open(&self, format: &FrameFormat) -> Result<Box<dyn Decoder>, NoDecoder> {
        Err(NoDecoder { format: *format })
    }
}

/// All that a recorder told its host.
#[derive(Default)]
pub struct Heard {
    pub events: Mutex<Vec<RecorderEvent>>,
    pub outcomes: Mutex<Vec<(LegKey, RecordingId, Outcome)>>,
    pub requests: Mutex<Vec<(LegKey, Request)>>,
    pub moves: Mutex<Vec<(LegKey, RecordingId, RecordingId)>>,
}

impl Heard {
    pub fn alarms(&self) -> Vec<&'static str> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let code =
            |event: &RecorderEvent| if let RecorderEvent::Alarm(alarm) = event { Some(alarm.code) } else { None };
        events.iter().filter_map(code).collect()
    }

    pub fn outcomes(&self) -> Vec<(LegKey, RecordingId, Outcome)> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Notify for Heard {
    fn recording_changed(&self, leg: LegKey, recording: RecordingId, former: RecordingId) {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner).push((leg, recording, former));
    }

    fn outcome(&self, leg: LegKey, recording: RecordingId, outcome: Outcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((leg, recording, outcome));
    }

    fn ask(&self, leg: LegKey, request: Request) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push((leg, request));
    }

    fn event(&self, event: RecorderEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// A leg as the switch side keeps one: its tap writes what the party says.
pub struct Leg {
    pub key: LegKey,
    pub uuid: LegUuid,
    hz: f64,
    tap: TapWriter,
    timestamp: u32,
    sequence: u16,
}

impl Leg {
    /// Born and tapped, not answered.
    pub fn new(recorder: &Recorder, key: u64, facts: LegFacts, hz: f64) -> Self {
        let key = LegKey(key);
        let uuid = facts.uuid.clone();
        let (producer, consumer) = frame_ring(1 << 16);
        let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
        recorder.tell(key, LegInput::Born(Box::new(facts)));
        recorder.attach(key, RingSide::Read, consumer, Arc::clone(&gate), Arc::clone(&counters));
        recorder.tell(key, LegInput::Tapped);
        Self { key, uuid, hz, tap: TapWriter::new(producer, gate, counters), timestamp: 1_000, sequence: 7 }
    }

    /// One packet of 20 ms, PCMU.
    pub fn speak(&mut self, clock: &dyn Clock) {
        let mut payload = [0; 160];
        for (n, byte) in (self.timestamp..).zip(&mut payload) {
            *byte = mu_law((12_000.0 * (TAU * self.hz * f64::from(n) / 8000.0).sin()) as i16);
        }
        let frame = HostFrame {
            at: clock.monotonic(),
            payload: &payload,
            timestamp: self.timestamp,
            sequence: self.sequence,
            format: pcmu(),
        };
        self.tap.take(&frame);
        self.timestamp = self.timestamp.wrapping_add(160);
        self.sequence = self.sequence.wrapping_add(1);
    }
}

/// A party from outside and an agent, both answered and bridged.
pub struct Call {
    pub recording: RecordingId,
    /// The outside party, whoever rang.
    pub caller: Leg,
    pub agent: Leg,
}

impl Call {
    /// The caller need not be told here: recorded from now on where the policy says so.
    pub fn begin(recorder: &Recorder, first_key: u64) -> Self {
        Self::of(recorder, first_key, "caller", None)
    }

    /// The caller hears a notice that gets so far, then both are bridged.
    pub fn told(recorder: &Recorder, first_key: u64, how_far: NoticeState) -> Self {
        Self::of(recorder, first_key, "caller", Some(how_far))
    }

    /// The company rings the outside party, which no prompt tells.
    pub fn rung(recorder: &Recorder, first_key: u64) -> Self {
        Self::of(recorder, first_key, "callee", None)
    }

    fn of(recorder: &Recorder, first_key: u64, outside: &str, notice: Option<NoticeState>) -> Self {
        let recording = RecordingId::generate(InstanceTag::of(&recorder.policy().instance)).expect("randomness");
        let facts = |uuid: String, direction, side, born_for| LegFacts {
            uuid: LegUuid::from_host(uuid.as_bytes()),
            recording,
            direction,
            side,
            born_for,
            is_party: true,
            personal: Personal {
                caller_number: CALLER_NUMBER.to_owned(),
                caller_name: CALLER_NAME.to_owned(),
                dialled_number: AGENT_NUMBER.to_owned(),
            },
            exempt: false,
            emergency: false,
        };
        let (caller_way, agent_way) = match outside {
            "callee" => (Direction::Outbound, Direction::Inbound),
            _ => (Direction::Inbound, Direction::Outbound),
        };
        let (caller_key, agent_key) = (LegKey(first_key), LegKey(first_key + 1));
        let caller_of = (caller_way == Direction::Outbound).then_some(agent_key);
        let agent_of = (agent_way == Direction::Outbound).then_some(caller_key);
        let caller = facts(format!("{outside}-{first_key}"), caller_way, Side::Outside, caller_of);
        let agent = facts(format!("agent-{first_key}"), agent_way, Side::Company, agent_of);
        let mut agent = Some(agent);
        let mut agent_leg = None;
        if caller_way == Direction::Outbound {
            agent_leg = agent.take().map(|facts| Leg::new(recorder, agent_key.0, facts, 1000.0));
        }
        let caller = Leg::new(recorder, caller_key.0, caller, 440.0);
        let agent = match (agent_leg, agent) {
            (Some(leg), _) => leg,
            (None, Some(facts)) => Leg::new(recorder, agent_key.0, facts, 1000.0),
            (None, None) => unreachable!("taken only where it became a leg"),
        };
        if notice.is_some() {
            recorder.tell(caller.key, LegInput::NoticeDue);
        }
        for leg in [&agent, &caller] {
            recorder.tell(leg.key, LegInput::Answered);
        }
        if let Some(state) = notice {
            recorder.tell(caller.key, LegInput::NoticeStarted);
            recorder.tell(caller.key, LegInput::NoticeEnded(Box::new(told::evidence(&caller.uuid, state))));
        }
        recorder.tell(caller.key, LegInput::Bridged(agent.key));
        assert!(recorder.tell_and_wait(agent.key, LegInput::Bridged(caller.key), Duration::from_secs(10)));
        Self { recording, caller, agent }
    }

    /// Both speak. A clock that is moved by hand goes on with each packet; the pool gets its share of real time.
    pub fn speak(&mut self, clock: &ManualClock, length: Duration) {
        for packet in 1..=length.as_millis() / 20 {
            clock.advance(Duration::from_millis(20));
            self.caller.speak(clock);
            self.agent.speak(clock);
            if packet % 50 == 0 {
                self.wait_taken();
            }
        }
    }

    /// Until the pool has taken what both said.
    pub fn wait_taken(&self) {
        eventually("the pool takes what was said", || self.caller.tap.is_drained() && self.agent.tap.is_drained());
    }

    /// Whether both parties are being captured.
    pub fn is_captured(&self, recorder: &Recorder) -> bool {
        let capturing = |leg: &Leg| recorder.leg_view(leg.key).is_some_and(|view| view.state == LegState::Capturing);
        capturing(&self.caller) && capturing(&self.agent)
    }

    pub fn hang_up(self, recorder: &Recorder) -> RecordingId {
        for leg in [&self.caller, &self.agent] {
            recorder.tell(leg.key, LegInput::HungUp);
        }
        for leg in [&self.caller, &self.agent] {
            assert!(recorder.tell_and_wait(leg.key, LegInput::Gone, Duration::from_secs(10)));
        }
        self.recording
    }
}

/// Waits until it holds; ten seconds at most.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "not in ten seconds: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How much of a tone there is, 0 to about 1 (Goertzel 1958), against the loudest sine that fits.
pub fn tone(samples: &[i16], rate: f64, hz: f64) -> f64 {
    let omega = TAU * hz / rate;
    let (mut s1, mut s2) = (0.0, 0.0);
    for &sample in samples {
        let s0 = f64::from(sample) / 32_768.0 + 2.0 * omega.cos() * s1 - s2;
        (s2, s1) = (s1, s0);
    }
    let power = s1 * s1 + s2 * s2 - 2.0 * omega.cos() * s1 * s2;
    power.max(0.0).sqrt() * 2.0 / samples.len().max(1) as f64
}

/// What the ticket's holder hears of each track, from the recording's start: 16-bit samples and their rate.
pub fn opened(copy: &Path, by: &X25519Identity, now: UnixMillis) -> Result<Vec<(u16, Vec<i16>, u32)>, CopyFault> {
    let unlocked = CopyReader::open(copy)?.unlock(by, now, &mut |_| {})?;
    let numbers: Vec<u16> = unlocked.manifest().tracks.iter().map(|track| track.number.get()).collect();
    let outputs = unlocked.outputs(Format::Wav, Layout::Split);
    let heard = numbers.into_iter().zip(&outputs).map(|(number, output)| {
        let mut wav = Cursor::new(Vec::new());
        unlocked.write(output, &mut wav, &mut |_| {}).expect("written");
        wav.set_position(0);
        let mut reader = hound::WavReader::new(wav).expect("a WAV");
        let rate = reader.spec().sample_rate;
        (number, reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect(), rate)
    });
    Ok(heard.collect())
}

/// All bytes below a directory, file by file.
pub fn files_below(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}

/// Whether `needle` occurs in `haystack`.
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn pcmu() -> FrameFormat {
    let mut name = [0; 16];
    name[..4].copy_from_slice(b"PCMU");
    FrameFormat { name, clock_rate: 8000, sample_rate: 8000, channels: 1, ptime_us: 20_000 }
}

/// ITU-T G.711, mu-law.
pub fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let exponent = (31 - magnitude.leading_zeros() as i32 - 7).clamp(0, 7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4 | mantissa) as u8)
}
