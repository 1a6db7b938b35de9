//! What is true of calls, kept so simply that it can be believed: no gates, no effects, no timers.
use std::collections::{BTreeMap, BTreeSet};

use crate::conversation::over::successor;
use crate::ids::RecordingId;
use crate::policy::NotRecorded;

pub(super) const CUT: u64 = 2000;
pub(super) const AT_ONCE: u64 = 150;
pub(super) const CONSENT: u64 = 2000;
pub(super) const OBJECTION: u64 = 5000;
pub(super) const ATTEST: u64 = 4000;
pub(super) const PAUSE: u64 = 3000;

/// How far a party was told, and what it said to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Told {
    NeedNot,
    Elsewhere,
    Never,
    ByAgentYet,
    Coming,
    Playing,
    Cut(u64),
    Asked(u64),
    Whole,
    Agreed,
    Broken,
    NotByAgent,
    SaysNo,
    LeftAtOnce,
}

/// By what it is to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Means {
    Nothing,
    Prompt,
    Agent,
    Elsewhere,
}

/// A leg that has not hung up.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) recording: RecordingId,
    /// The how-manieth leg it is.
    pub(super) birth: usize,
    pub(super) is_outside: bool,
    /// It was not rung.
    pub(super) dials: bool,
    pub(super) is_party: bool,
    pub(super) exempt: bool,
    pub(super) lost: bool,
    pub(super) tapped: bool,
    pub(super) answered: bool,
    pub(super) means: Means,
    /// It must agree before it is captured.
    pub(super) must_agree: bool,
    /// A digit of its own objects.
    pub(super) has_digit: bool,
    pub(super) told: Told,
    pub(super) told_at: Option<u64>,
    pub(super) told_by_prompt: bool,
    pub(super) agreed_early: bool,
    pub(super) agent_there_since: Option<u64>,
    pub(super) held: bool,
    pub(super) muted: bool,
    pub(super) waiting: bool,
    pub(super) bypassed: bool,
    pub(super) bridged: Option<usize>,
    /// Into whose call it was let.
    pub(super) guest_of: Option<usize>,
    pub(super) room: Option<u8>,
    pub(super) other_half: Option<usize>,
    /// Of its recording.
    pub(super) joined: bool,
    pub(super) late: bool,
}

/// A recording.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    pub(super) born: usize,
    pub(super) answered_at: Option<u64>,
    pub(super) refused: bool,
    pub(super) somebody_told: bool,
    /// Outside parties were there among themselves.
    pub(super) strangers: bool,
    pub(super) outsiders: usize,
    /// How many were ever there.
    pub(super) joined: usize,
    /// Of which legs, by birth.
    pub(super) tracks: BTreeSet<usize>,
    pub(super) paused_until: Option<u64>,
    /// Why it ended before its call, and whether what was captured is kept.
    pub(super) ended: Option<(NotRecorded, bool)>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) legs: BTreeMap<usize, Leg>,
    pub(super) books: BTreeMap<RecordingId, Book>,
    pub(super) now: u64,
    pub(super) stopped: bool,
    pub(super) faulty: bool,
    pub(super) record_internal: bool,
    pub(super) order: usize,
}

impl Leg {
    pub(super) fn is_present(&self) -> bool {
        self.is_party && self.answered && !self.lost
    }

    fn rings(&self) -> bool {
        self.is_party && self.dials && !self.answered
    }

    fn may_be_heard(&self) -> bool {
        matches!(self.told, Told::NeedNot | Told::Elsewhere | Told::Whole | Told::Agreed)
    }

    fn is_settled(&self) -> bool {
        self.is_present() && !matches!(self.told, Told::Coming | Told::Playing | Told::Cut(_))
    }

    fn ends_recordings(&self) -> bool {
        self.is_present() && matches!(self.told, Told::SaysNo | Told::NotByAgent | Told::LeftAtOnce)
    }

    pub(super) fn informed(&mut self, now: u64) {
        self.told_at = Some(now);
        self.told = if self.must_agree { Told::Asked(now + CONSENT) } else { Told::Whole };
    }

    pub(super) fn attested(&mut self, now: u64) {
        self.informed(now);
        self.told_by_prompt = false;
    }

    pub(super) fn untold(&mut self) {
        self.told = match self.means {
            Means::Nothing => Told::NeedNot,
            Means::Elsewhere => Told::Elsewhere,
            Means::Prompt | Means::Agent => Told::Broken,
        };
    }
}

impl Model {
    pub(super) fn book(&mut self, id: RecordingId) -> &mut Book {
        self.books.get_mut(&id).expect("every leg's recording is known")
    }

    /// The eldest first.
    fn legs_of(&self, id: RecordingId) -> impl Iterator<Item = (usize, &Leg)> {
        let mut legs: Vec<(usize, &Leg)> =
            self.legs.iter().filter(|(_, leg)| leg.recording == id).map(|(n, leg)| (*n, leg)).collect();
        legs.sort_by_key(|(_, leg)| leg.birth);
        legs.into_iter()
    }

    pub(super) fn present(&self, id: RecordingId) -> impl Iterator<Item = (usize, &Leg)> {
        self.legs_of(id).filter(|(_, leg)| leg.is_present())
    }

    /// Who hears whom, until nobody is added any more.
    fn circle(&self, of: usize, with_rooms: bool) -> BTreeSet<usize> {
        let mut circle = BTreeSet::from([of]);
        loop {
            let linked = |a: usize, b: usize| {
                let (one, other) = (&self.legs[&a], &self.legs[&b]);
                let guest = one.guest_of == Some(b) || other.guest_of == Some(a);
                let together = one.room.is_some() && one.room == other.room;
                one.bridged == Some(b) || one.other_half == Some(b) || (with_rooms && (guest || together))
            };
            let more: Vec<usize> = self
                .legs
                .keys()
                .copied()
                .filter(|b| !circle.contains(b) && circle.iter().any(|a| linked(*a, *b)))
                .collect();
            if more.is_empty() {
                return circle;
            }
            circle.extend(more);
        }
    }

    /// Conversations that meet are one.
    pub(super) fn unite(&mut self, leg: usize) {
        let circle = self.circle(leg, true);
        let rank = |id: RecordingId| {
            let has_outside = self.present(id).any(|(_, leg)| leg.is_outside);
            let book = &self.books[&id];
            (!has_outside, book.ended.is_some(), book.answered_at.unwrap_or(u64::MAX), book.born)
        };
        let ids: BTreeSet<RecordingId> = circle.iter().map(|leg| self.legs[leg].recording).collect();
        let winner = ids.into_iter().min_by_key(|id| rank(*id)).expect("the leg itself has one");
        let mut circle: Vec<usize> = circle.into_iter().collect();
        circle.sort_by_key(|leg| self.legs[leg].birth);
        for n in circle {
            let leg = &self.legs[&n];
            let (former, words) = (leg.recording, leg.is_present() && leg.told == Told::ByAgentYet && !leg.late);
            if former == winner {
                continue;
            }
            let book = self.book(former);
            if words && book.ended.is_none() && !book.tracks.is_empty() {
                book.ended = Some((NotRecorded::NotInformed, false));
            }
            self.move_leg(n, winner);
        }
    }

    fn move_leg(&mut self, n: usize, target: RecordingId) {
        self.leave(n);
        let leg = self.legs.get_mut(&n).expect("it is there");
        let former = std::mem::replace(&mut leg.recording, target);
        (leg.joined, leg.late) = (false, false);
        if self.legs_of(former).next().is_none() {
            let pause = self.book(former).paused_until.take();
            let target = self.book(target);
            target.paused_until = target.paused_until.or(pause);
        }
    }

    /// Who leaves was there.
    pub(super) fn leave(&mut self, n: usize) {
        if self.legs[&n].is_present() {
            self.join(n);
        }
    }

    fn join(&mut self, n: usize) {
        let Some(leg) = self.legs.get_mut(&n).filter(|leg| !leg.joined) else { return };
        let book = self.books.get_mut(&leg.recording).expect("every leg's recording is known");
        leg.joined = true;
        leg.late = leg.is_outside && book.outsiders > 0;
        book.outsiders += usize::from(leg.is_outside);
        book.joined += 1;
    }

    /// A recording that ended early and whose objector is gone: whoever comes, or goes on, does so in the next one.
    pub(super) fn is_spent(&self, id: RecordingId) -> bool {
        self.books[&id].ended.is_some() && !self.present(id).any(|(_, leg)| leg.ends_recordings())
    }

    pub(super) fn begin_anew(&mut self, id: RecordingId) -> RecordingId {
        let mut next = successor(id);
        while self.books.contains_key(&next) {
            next = successor(next);
        }
        self.order += 1;
        let refused = self.stopped || self.faulty;
        self.books.insert(next, Book { born: self.order, refused, ..Book::default() });
        let members: Vec<usize> = self.legs_of(id).map(|(n, _)| n).collect();
        for n in members {
            self.move_leg(n, next);
        }
        next
    }

    /// What follows for recordings from how everybody stands now.
    pub(super) fn settle(&mut self) {
        let ids: Vec<RecordingId> = self.books.keys().copied().collect();
        for id in ids {
            let goes_on = self.present(id).any(|(_, leg)| leg.is_outside) || self.present(id).count() > 1;
            if self.is_spent(id) && goes_on {
                self.begin_anew(id);
            }
        }
        let ids: Vec<RecordingId> = self.books.keys().copied().collect();
        for id in ids {
            self.note(id);
        }
        for n in self.legs.keys().copied().filter(|n| self.captured(*n)).collect::<Vec<_>>() {
            let Leg { recording, birth, .. } = self.legs[&n];
            self.book(recording).tracks.insert(birth);
        }
    }

    fn note(&mut self, id: RecordingId) {
        let now = self.now;
        let here: Vec<usize> = self.present(id).map(|(n, _)| n).collect();
        if here.is_empty() {
            return;
        }
        self.book(id).answered_at.get_or_insert(now);
        let told = |leg: &Leg| leg.is_outside && !leg.exempt && leg.may_be_heard();
        let somebody_told = self.present(id).any(|(_, leg)| told(leg));
        self.book(id).somebody_told |= somebody_told;
        let strangers = self.strangers(id);
        self.book(id).strangers |= strangers;
        let agent_there = self.present(id).any(|(_, leg)| !leg.is_outside);
        for n in here {
            if self.legs[&n].is_settled() {
                self.join(n);
            }
            let refused = self.books[&id].refused;
            let leg = self.legs.get_mut(&n).expect("it is here");
            if leg.told == Told::ByAgentYet && agent_there && !refused {
                leg.agent_there_since.get_or_insert(now);
            }
        }
        let enders: Vec<(usize, &Leg)> = self.present(id).filter(|(_, leg)| leg.ends_recordings()).collect();
        let objected = enders.iter().any(|(_, leg)| leg.told == Told::SaysNo);
        let keeps = enders.iter().all(|(_, leg)| leg.late && !self.books[&id].tracks.contains(&leg.birth));
        if !enders.is_empty() {
            let left = enders.iter().any(|(_, leg)| leg.told == Told::LeftAtOnce);
            let reason = match (objected, left) {
                (true, _) => NotRecorded::Objected,
                (false, true) => NotRecorded::RefusedHangup,
                (false, false) => NotRecorded::NotInformed,
            };
            self.book(id).ended.get_or_insert((reason, keeps));
        }
    }

    /// More than one from outside, and nobody of the company's.
    fn strangers(&self, id: RecordingId) -> bool {
        !self.has_company(id) && self.concerned(id).count() > 1
    }

    fn has_company(&self, id: RecordingId) -> bool {
        self.concerned(id).any(|leg| !leg.is_outside)
    }

    /// Who is there, and who rings whoever is.
    fn concerned(&self, id: RecordingId) -> impl Iterator<Item = &Leg> {
        self.legs_of(id).map(|(_, leg)| leg).filter(|leg| leg.is_present() || leg.rings())
    }

    fn captured(&self, n: usize) -> bool {
        let leg = &self.legs[&n];
        let book = &self.books[&leg.recording];
        let mates: Vec<&Leg> = self.present(leg.recording).map(|(_, mate)| mate).collect();
        let outsiders: Vec<&&Leg> = mates.iter().filter(|mate| mate.is_outside).collect();
        let nobody_outside = outsiders.is_empty();
        let scope = outsiders.iter().any(|mate| mate.may_be_heard())
            || (!leg.is_outside && outsiders.iter().any(|mate| mate.told == Told::ByAgentYet))
            || (nobody_outside && mates.len() > 1 && (book.somebody_told || self.record_internal));
        let forbidden = mates
            .iter()
            .any(|mate| mate.exempt || mate.ends_recordings() || matches!(mate.told, Told::Never | Told::Broken));
        let among_strangers = !self.has_company(leg.recording) && (self.strangers(leg.recording) || book.strangers);
        let is_alone = |n: usize, leg: &Leg| {
            let hears = leg.bridged.is_some() || leg.room.is_some() || leg.guest_of.is_some();
            !hears && self.legs.values().all(|other| other.guest_of != Some(n))
        };
        let races = self.legs_of(leg.recording).any(|(n, mate)| !mate.is_outside && mate.rings() && is_alone(n, mate));
        let silenced = self.circle(n, false).iter().any(|mate| self.legs[mate].held || self.legs[mate].waiting);
        leg.is_present()
            && leg.tapped
            && !leg.bypassed
            && leg.may_be_heard()
            && !leg.muted
            && scope
            && !book.refused
            && book.paused_until.is_none()
            && book.ended.is_none()
            && !forbidden
            && !among_strangers
            && !races
            && !silenced
    }

    pub(super) fn capture(&self) -> BTreeMap<usize, RecordingId> {
        let captured = self.legs.keys().copied().filter(|n| self.captured(*n));
        captured.map(|n| (n, self.legs[&n].recording)).collect()
    }

    /// What time alone brings, in the order in which it comes.
    pub(super) fn wait(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        let mut due: Vec<(u64, u8, usize)> = Vec::new();
        for (n, leg) in &self.legs {
            if let Told::Cut(at) = leg.told {
                due.push((at + CUT, 0, *n));
            } else if let Told::Asked(until) = leg.told {
                due.push((until, 1, *n));
            } else if leg.told == Told::ByAgentYet {
                due.extend(leg.agent_there_since.map(|since| (since + ATTEST, 2, *n)));
            }
        }
        let pauses = self.books.iter().filter_map(|(id, book)| Some((book.paused_until?, *id)));
        let pauses: Vec<(u64, RecordingId)> = pauses.filter(|(until, _)| *until <= now).collect();
        due.extend((0..).zip(&pauses).map(|(n, (until, _))| (*until, 3, n)));
        due.retain(|(at, ..)| *at <= now);
        due.sort_by_key(|&(at, kind, n)| (at, kind, if kind == 3 { n } else { self.legs[&n].birth }));
        for (_, kind, n) in due {
            if kind == 3 {
                self.book(pauses[n].1).paused_until = None;
            } else {
                let leg = self.legs.get_mut(&n).expect("nobody hangs up by waiting");
                match kind {
                    0 => leg.untold(),
                    1 => leg.told = Told::SaysNo,
                    _ => leg.told = Told::NotByAgent,
                }
            }
            self.settle();
        }
    }
}
