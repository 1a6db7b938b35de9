//! What we keep of a leg.
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use callvault_recorder::conversation::{Direction, LegFacts, Side, Wishes};
use callvault_recorder::encoding::RingSide;
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::{LegKey, LegUuid, RecordingId};
use callvault_recorder::policy::{DigitMemory, NoticeMode, Policy};

use super::Tap;
use super::keys::Keys;
use super::queue::Queue;
use crate::ffi::media::BugPlace;
use crate::ffi::session::{Flag, Session};
use crate::notice::Watch;

/// A leg, from its session's birth to its destruction. Known by our own key: the host may change the uuid.
pub struct Leg {
    /// Our handle of it.
    pub key: LegKey,
    /// Its session's address: the key of the leg table.
    pub address: usize,
    /// When we first heard of it.
    pub born: Instant,
    /// Which way it was set up.
    pub direction: Direction,
    /// Whose party is on it.
    pub side: Side,
    /// The leg that it was rung for, where there is one.
    pub born_for: Option<LegKey>,
    /// A real party; loopback legs are none.
    pub is_party: bool,
    /// An emergency call.
    pub emergency: bool,
    /// The answer has been told.
    pub answered: AtomicBool,
    /// Hold, as last told.
    pub held: Level,
    /// Media bypass, as last told.
    pub bypassed: Level,
    /// Whether it waits in a queue, as last told.
    pub waits: Level,
    /// Our media bug.
    pub bug: BugPlace,
    /// The one that does nothing (see [`super::renew_tap`]).
    pub idle_bug: BugPlace,
    renewing: Mutex<()>,
    /// What happens on it while its notice plays.
    pub watch: Watch,
    /// Keys that its media thread heard.
    pub keys: Keys,
    /// Whether the conference that it is in hears it; `None` where it is in none.
    pub room: Mutex<Option<bool>>,
    /// The host was asked to listen for digits in its audio.
    pub listens_inband: AtomicBool,
    exempt: AtomicBool,
    digits: Mutex<DigitMemory>,
    queue: Mutex<Queue>,
    wishes: Mutex<Wishes>,
    refused: AtomicBool,
    /// Its bypassed media is being brought back, or that was tried.
    pub media_asked_back: AtomicBool,
    listens_to: Mutex<Option<String>>,
    joins_call_of: Mutex<Option<LegUuid>>,
    bug_begun: AtomicBool,
    told: AtomicU8,
    /// Notices that began on it.
    notices: AtomicU8,
    dialplan_told: AtomicBool,
    alone: AtomicBool,
    written: AtomicU64,
    uuid: Mutex<LegUuid>,
    recording: Mutex<RecordingId>,
    read: Tap,
    write: Option<Tap>,
}

/// Whether a notice is due on a leg, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// None is due by the module's own doing; a dialplan may still play one.
    NotDue,
    /// The module plays one at the leg's answer, unless a dialplan was first.
    Due,
    /// It plays.
    Running,
    /// It was played whole, or often enough.
    Done,
}

/// How telling a party went, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Telling {
    /// The notice was sent whole.
    Whole,
    /// It was not, or could not be played.
    Broken,
    /// Nothing was to be told at this moment.
    NotBegun,
}

/// How often a party may be told until a notice was sent whole.
pub const NOTICES_AT_MOST: u8 = 3;

impl Leg {
    /// A leg just born.
    pub fn new(key: LegKey, address: usize, facts: &LegFacts, system_track: bool) -> Self {
        Self {
            key,
            address,
            born: Instant::now(),
            direction: facts.direction,
            side: facts.side,
            born_for: facts.born_for,
            is_party: facts.is_party,
            exempt: AtomicBool::new(facts.exempt),
            emergency: facts.emergency,
            answered: AtomicBool::new(false),
            held: Level::default(),
            bypassed: Level::default(),
            waits: Level::default(),
            bug: BugPlace::default(),
            idle_bug: BugPlace::default(),
            renewing: Mutex::default(),
            watch: Watch::default(),
            keys: Keys::default(),
            room: Mutex::default(),
            listens_inband: AtomicBool::new(false),
            digits: Mutex::default(),
            queue: Mutex::default(),
            wishes: Mutex::default(),
            refused: AtomicBool::new(false),
            media_asked_back: AtomicBool::new(false),
            listens_to: Mutex::default(),
            joins_call_of: Mutex::default(),
            bug_begun: AtomicBool::new(false),
            told: AtomicU8::new(0),
            notices: AtomicU8::new(0),
            dialplan_told: AtomicBool::new(false),
            alone: AtomicBool::new(false),
            written: AtomicU64::new(0),
            uuid: Mutex::new(facts.uuid.clone()),
            recording: Mutex::new(facts.recording),
            read: Tap::new(RingSide::Read),
            write: system_track.then(|| Tap::new(RingSide::Write)),
        }
    }

    /// A call to or from an exempt line, by its numbers or by its dialplan's word.
    pub fn exempt(&self) -> bool {
        self.exempt.load(Ordering::Acquire)
    }

    /// With what is remembered of the keys that its party pressed.
    pub fn with_digits<R>(&self, with: impl FnOnce(&mut DigitMemory) -> R) -> R {
        with(&mut self.digits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// With where it stands in queues.
    pub fn with_queue<R>(&self, with: impl FnOnce(&mut Queue) -> R) -> R {
        with(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what its dialplan asks for; true where that is another than before (nothing, at first).
    pub fn wishes_change_to(&self, wishes: &Wishes) -> bool {
        let mut noted = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *noted != *wishes;
        noted.clone_from(wishes);
        if wishes.exempt {
            self.exempt.store(true, Ordering::Release);
        }
        changed
    }

    /// Something that its dialplan asks for is refused; true the first time.
    pub fn refuses_first_time(&self) -> bool {
        !self.refused.swap(true, Ordering::AcqRel)
    }

    /// How its party agrees: as the policy says, or more strictly where its dialplan asked for that.
    pub fn mode(&self, policy: &Policy) -> NoticeMode {
        let wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.mode.unwrap_or(policy.notice_mode).max(policy.notice_mode)
    }

    /// It listens to that leg (`all`: to every one), or no more.
    pub fn listen_to(&self, whom: Option<String>) {
        *self.listens_to.lock().unwrap_or_else(PoisonError::into_inner) = whom;
    }

    /// Whether it listens to the leg of that uuid.
    pub fn listens_to(&self, uuid: &LegUuid) -> bool {
        let whom = self.listens_to.lock().unwrap_or_else(PoisonError::into_inner);
        whom.as_deref().is_some_and(|whom| whom == uuid.as_str() || whom == "all")
    }

    /// It is a party of that leg's call (`three_way`), or no more.
    pub fn join_call_of(&self, leg: Option<LegUuid>) {
        *self.joins_call_of.lock().unwrap_or_else(PoisonError::into_inner) = leg;
    }

    /// Whether it is a party of that leg's call, which the host gives it by a bug.
    pub fn joins(&self, uuid: &LegUuid) -> bool {
        self.joins_call_of.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(uuid)
    }

    /// The side that the party speaks on.
    pub fn read_tap(&self) -> &Tap {
        &self.read
    }

    /// The side that the party hears, where the policy keeps it.
    pub fn write_tap(&self) -> Option<&Tap> {
        self.write.as_ref()
    }

    /// A packet went to the party's write side.
    pub fn count_written(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// Packets that went there so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether the caller is the one to put the bug on.
    pub fn begin_bug(&self) -> bool {
        !self.bug_begun.swap(true, Ordering::AcqRel)
    }

    /// It could not be put on: the next moment may try again.
    pub fn end_bug(&self) {
        self.bug_begun.store(false, Ordering::Release);
    }

    /// One thread after the other: never a media thread, and no callback of the host's waits for it.
    pub fn renewing(&self, renew: impl FnOnce()) {
        let _one = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        renew();
    }

    /// The uuid it has now.
    pub fn uuid(&self) -> LegUuid {
        self.uuid.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_uuid(&self, uuid: LegUuid) {
        *self.uuid.lock().unwrap_or_else(PoisonError::into_inner) = uuid;
    }

    /// The recording it belongs to now: what legs born for it begin with.
    pub fn recording(&self) -> RecordingId {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controller moved it to another recording.
    pub fn set_recording(&self, recording: RecordingId) {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner) = recording;
    }

    /// What the party is called in the notice's evidence, before it has a track.
    pub fn party(&self) -> Party {
        match (self.side, self.direction) {
            (Side::Company, _) => Party::Agent,
            (Side::Outside, Direction::Inbound) => Party::Caller,
            (Side::Outside, Direction::Outbound) => Party::Callee,
        }
    }

    /// How far the notice is.
    pub fn told(&self) -> Told {
        match self.told.load(Ordering::Acquire) {
            0 => Told::NotDue,
            1 => Told::Due,
            2 => Told::Running,
            _ => Told::Done,
        }
    }

    /// The module will play one.
    pub fn set_due(&self) {
        self.told.store(1, Ordering::Release);
    }

    /// Whether the caller is the one to play it: nobody plays, nobody played.
    pub fn begin_notice(&self) -> bool {
        self.told.fetch_update(Ordering::AcqRel, Ordering::Acquire, |told| (told < 2).then_some(2)).is_ok()
    }

    /// Its dialplan says that its party is to be told; true the first time.
    pub fn dialplan_tells_first(&self) -> bool {
        !self.dialplan_told.swap(true, Ordering::AcqRel)
    }

    /// A notice was played on it, or could not be.
    pub fn had_notice(&self) -> bool {
        self.notices.load(Ordering::Acquire) > 0
    }

    /// It ended, or did not begin. One that was not sent whole may be played again, [`NOTICES_AT_MOST`] in all.
    pub fn end_notice(&self, told: Telling) {
        let begun = match told {
            Telling::NotBegun => self.notices.load(Ordering::Acquire),
            Telling::Whole | Telling::Broken => self.notices.fetch_add(1, Ordering::AcqRel) + 1,
        };
        let over = told == Telling::Whole || begun >= NOTICES_AT_MOST;
        self.told.store(if over { 3 } else { 0 }, Ordering::Release);
    }

    /// While its notice plays, the party hears nobody else: who was bridged to it in early media goes on writing to it, and
    /// is let discard. Others clear that as well (switch_ivr.c:switch_ivr_unhold), so it is looked at again at every moment.
    pub fn hear_notice_alone(&self, session: Session<'_>, alone: bool) {
        if alone {
            self.alone.store(session.flag(Flag::Bridged) && !session.flag(Flag::Suspend), Ordering::Release);
            self.stay_alone(session);
        } else if self.alone.swap(false, Ordering::AcqRel) && !session.flag(Flag::Hold) {
            session.clear_flag(Flag::Suspend);
        }
    }

    /// See [`Leg::hear_notice_alone`].
    pub fn stay_alone(&self, session: Session<'_>) {
        if self.alone.load(Ordering::Acquire) && session.flag(Flag::Bridged) && !session.flag(Flag::Suspend) {
            session.set_flag(Flag::Suspend);
        }
    }
}

/// Something that is on or off, told when it changes.
#[derive(Default)]
pub struct Level(AtomicBool);

impl Level {
    /// Notes the level; true where it is another than before.
    pub fn changes_to(&self, on: bool) -> bool {
        self.0.swap(on, Ordering::AcqRel) != on
    }
}

#[cfg(test)]
mod tests {
    use callvault_recorder::conversation::Personal;

    use super::*;

    fn leg() -> Leg {
        let facts = LegFacts {
            uuid: LegUuid::from_host(b"a"),
            recording: RecordingId::from_bytes([0; 16]),
            direction: Direction::Inbound,
            side: Side::Outside,
            born_for: None,
            is_party: true,
            exempt: false,
            emergency: false,
            personal: Personal::default(),
        };
        Leg::new(LegKey(1), 1, &facts, false)
    }

    /// NOT-02: a broken notice is no last word, a whole one is, and nobody is told for ever.
    #[test]
    fn a_notice_that_was_not_sent_whole_may_be_played_again_twice() {
        let again = leg();
        for told in [Telling::Broken, Telling::NotBegun, Telling::Broken, Telling::NotBegun, Telling::Broken] {
            assert!(again.begin_notice() && !again.begin_notice(), "one at a time");
            again.end_notice(told);
        }
        assert!(!again.begin_notice(), "three broken ones are enough");
        assert_eq!(again.told(), Told::Done);

        let whole = leg();
        whole.set_due();
        assert!(whole.begin_notice());
        whole.end_notice(Telling::Broken);
        assert!(whole.begin_notice());
        whole.end_notice(Telling::Whole);
        assert!(!whole.begin_notice());
    }
}
