//! What is true of calls, kept so simply that it can be believed: no gates, no effects, no timers.
use std::collections::{BTreeMap, BTreeSet};

use crate::conversation::over::{parted, successor};
use crate::ids::{LegKey, RecordingId};
use crate::policy::NotRecorded;

pub(super) const CUT: u64 = 2000;
pub(super) const AT_ONCE: u64 = 150;
pub(super) const CONSENT: u64 = 2000;
pub(super) const OBJECTION: u64 = 5000;
pub(super) const ATTEST: u64 = 4000;
pub(super) const PAUSE: u64 = 3000;
pub(super) const INTERRUPTED: u64 = 150;
pub(super) const IDLE: u64 = 60_000;

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
    /// Whom it said last that it is bridged to.
    pub(super) names: Option<usize>,
    pub(super) said: usize,
    /// Whom it names went to somebody else.
    pub(super) kept: bool,
    /// Something else goes on in that bridge since then, and whether for so long that it counts.
    pub(super) interrupted: Option<(u64, bool)>,
    /// For whom it is rung, and whether it met anybody since.
    pub(super) rung_for: Option<usize>,
    pub(super) met: bool,
    /// It walked out of a conference.
    pub(super) walked_out: bool,
    /// Into whose call it was let.
    pub(super) guest_of: Option<usize>,
    pub(super) room: Option<u8>,
    pub(super) other_half: Option<usize>,
    /// Of its recording.
    pub(super) stay: Stay,
    /// It is with nobody of its recording.
    pub(super) apart: bool,
}

/// What a leg is in a recording.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stay {
    /// The how-manieth to join.
    pub(super) joined: Option<usize>,
    pub(super) late: bool,
}

/// A recording.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    pub(super) born: usize,
    pub(super) answered_at: Option<u64>,
    pub(super) refused: bool,
    /// Outside parties were there among themselves.
    pub(super) strangers: bool,
    pub(super) outsiders: usize,
    /// How many were ever there.
    pub(super) joined: usize,
    /// What legs are here that are elsewhere, by birth.
    pub(super) away: BTreeMap<usize, Stay>,
    /// Of which legs, by birth.
    pub(super) tracks: BTreeSet<usize>,
    /// An outside party was connected with somebody.
    pub(super) met: bool,
    /// Since when one of the company's is all that is left.
    pub(super) idle_since: Option<u64>,
    /// All who were to be recorded had left.
    pub(super) over: bool,
    pub(super) paused_until: Option<u64>,
    /// Why it ended before its call, and whether what was captured is kept.
    pub(super) ended: Option<(NotRecorded, bool)>,
}

/// By which ways one is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Bridge,
    All,
    Now,
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
    pub(super) words: usize,
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

    fn is_somebody(&self) -> bool {
        self.is_party && !self.lost
    }

    pub(super) fn key(&self) -> LegKey {
        LegKey(u64::from(b' ') + self.birth as u64)
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

impl Book {
    fn is_closed(&self) -> bool {
        self.over || self.ended.is_some()
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
        self.legs_of(id).filter(|(_, leg)| leg.is_present() && !leg.apart)
    }

    /// Who hears whom, until nobody is added any more.
    fn circle(&self, of: usize, way: Way) -> BTreeSet<usize> {
        let mut circle = BTreeSet::from([of]);
        loop {
            let more: Vec<usize> = self
                .legs
                .keys()
                .copied()
                .filter(|b| !circle.contains(b) && circle.iter().any(|a| self.linked(*a, *b, way)))
                .collect();
            if more.is_empty() {
                return circle;
            }
            circle.extend(more);
        }
    }

    fn linked(&self, a: usize, b: usize, way: Way) -> bool {
        let (one, other) = (&self.legs[&a], &self.legs[&b]);
        let bridged = self.partner(a) == Some(b) && self.partner(b) == Some(a);
        let broken = [one, other].iter().any(|leg| matches!(leg.interrupted, Some((_, true))));
        let guest = one.guest_of == Some(b) || other.guest_of == Some(a);
        let together = one.room.is_some() && one.room == other.room;
        let comes = |n: usize, leg: &Leg, to: usize| {
            let is_rung = leg.rung_for == Some(to) && !leg.met && !leg.lost && !self.is_connected(n);
            is_rung && self.legs[&to].interrupted.is_none()
        };
        (bridged && !(broken && way == Way::Now))
            || one.other_half == Some(b)
            || (way != Way::Bridge && (guest || together || comes(a, one, b) || comes(b, other, a)))
    }

    /// The latest word counts, whoever said it.
    fn partner(&self, n: usize) -> Option<usize> {
        let own = (self.legs[&n].said, self.legs[&n].names);
        let others = self.legs.iter().filter(|(_, leg)| leg.names == Some(n)).map(|(m, leg)| (leg.said, Some(*m)));
        others.chain([own]).max_by_key(|(said, _)| *said)?.1
    }

    /// It is where others are to be, and nobody is.
    fn waits(&self, n: usize) -> bool {
        let leg = &self.legs[&n];
        let broken = matches!(leg.interrupted, Some((_, true)));
        leg.names.is_some_and(|other| broken || leg.kept || self.partner(other) == Some(n))
            && !self.circle(n, Way::Now).iter().any(|m| *m != n && self.legs[m].is_somebody())
    }

    /// Conversations that meet are one.
    pub(super) fn unite(&mut self, leg: usize) {
        let circle = self.circle(leg, Way::All);
        let rank = |id: RecordingId| {
            let here = || circle.iter().map(|n| &self.legs[n]).filter(|leg| leg.recording == id);
            let outside = here().any(|leg| leg.is_present() && leg.is_outside);
            let elsewhere = !outside && self.present(id).any(|(_, leg)| leg.is_outside);
            let behind = here().all(|leg| leg.apart);
            let book = &self.books[&id];
            (elsewhere || behind, !outside, book.is_closed(), book.answered_at.unwrap_or(u64::MAX), book.born)
        };
        let ids: BTreeSet<RecordingId> = circle.iter().map(|leg| self.legs[leg].recording).collect();
        let winner = ids.into_iter().min_by_key(|id| rank(*id)).expect("the leg itself has one");
        let mut circle: Vec<usize> = circle.into_iter().collect();
        circle.sort_by_key(|leg| self.legs[leg].birth);
        for n in circle {
            let leg = &self.legs[&n];
            let (former, words) = (leg.recording, leg.is_present() && leg.told == Told::ByAgentYet && !leg.stay.late);
            if former == winner {
                continue;
            }
            let book = self.book(former);
            if words && !book.is_closed() && !book.tracks.is_empty() {
                book.ended = Some((NotRecorded::NotInformed, false));
            }
            self.move_leg(n, winner);
        }
    }

    fn move_leg(&mut self, n: usize, target: RecordingId) {
        self.leave(n);
        let leg = self.legs.get_mut(&n).expect("it is there");
        let former = std::mem::replace(&mut leg.recording, target);
        leg.apart = false;
        let back = self.books.get_mut(&target).expect("it is there").away.remove(&leg.birth).unwrap_or_default();
        let left = std::mem::replace(&mut leg.stay, back);
        let birth = leg.birth;
        self.book(former).away.insert(birth, left);
        if self.legs_of(former).next().is_none() {
            let pause = self.book(former).paused_until.take();
            let target = self.book(target);
            target.paused_until = target.paused_until.or(pause);
        }
    }

    /// Who leaves was there.
    pub(super) fn leave(&mut self, n: usize) {
        if self.legs[&n].is_present() && !self.legs[&n].apart {
            self.join(n);
        }
    }

    fn join(&mut self, n: usize) {
        let Some(leg) = self.legs.get_mut(&n).filter(|leg| leg.stay.joined.is_none()) else { return };
        let book = self.books.get_mut(&leg.recording).expect("every leg's recording is known");
        book.joined += 1;
        leg.stay = Stay { joined: Some(book.joined), late: leg.is_outside && book.outsiders > 0 };
        book.outsiders += usize::from(leg.is_outside);
    }

    /// A recording that ended early and whoever ended it is gone: who goes on does so in another one.
    pub(super) fn is_spent(&self, id: RecordingId) -> bool {
        self.books[&id].is_closed() && !self.present(id).any(|(_, leg)| leg.ends_recordings())
    }

    /// Who no longer hear each other are another conversation, where they are one.
    fn part(&mut self, id: RecordingId) {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for n in self.legs_of(id).map(|(n, _)| n).collect::<Vec<_>>() {
            if groups.iter().all(|group| !group.contains(&n)) {
                let circle = self.circle(n, Way::All);
                groups.push(self.legs_of(id).map(|(m, _)| m).filter(|m| circle.contains(m)).collect());
            }
        }
        let staying = self.staying(id, &groups);
        let (staying, others): (Vec<_>, Vec<_>) =
            groups.into_iter().enumerate().partition(|(at, _)| staying == Some(*at));
        let (leaving, left): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(_, group)| self.is_a_conversation(group));
        for (groups, apart) in [(staying, false), (left, true)] {
            for n in groups.into_iter().flat_map(|(_, group)| group) {
                self.legs.get_mut(&n).expect("it is there").apart = apart;
            }
        }
        for (_, group) in leaving {
            self.begin_anew(id, group);
        }
    }

    fn staying(&self, id: RecordingId, groups: &[Vec<usize>]) -> Option<usize> {
        let legs = |group: &[usize]| group.iter().map(|n| &self.legs[n]).collect::<Vec<_>>();
        if self.books[&id].is_closed() {
            return groups.iter().position(|group| legs(group).iter().any(|leg| leg.ends_recordings()));
        }
        let somebody = |group: &[usize]| legs(group).into_iter().filter(|leg| leg.is_somebody()).collect::<Vec<_>>();
        let came = |leg: &Leg| leg.stay.joined.unwrap_or(usize::MAX);
        let first = |legs: Vec<&Leg>| legs.into_iter().map(came).min();
        let best = |(_, group): &(usize, &Vec<usize>)| {
            let parties = somebody(group);
            let outside: Vec<&Leg> = parties.iter().copied().filter(|leg| leg.is_outside).collect();
            let walked_out = outside.iter().all(|leg| leg.walked_out);
            let was_it = parties.iter().any(|leg| leg.stay.joined.is_some() && !leg.apart);
            (outside.is_empty(), walked_out, first(outside), parties.len() < 2, !was_it, first(parties))
        };
        groups.iter().enumerate().min_by_key(best).map(|(at, _)| at)
    }

    fn is_a_conversation(&self, group: &[usize]) -> bool {
        let parties: Vec<&Leg> = group.iter().map(|n| &self.legs[n]).filter(|leg| leg.is_somebody()).collect();
        let several = parties.len() > 1;
        let outside =
            parties.iter().any(|leg| leg.is_outside && leg.is_present() && (several || leg.stay.joined.is_none()));
        let strangers_to_it = parties.iter().any(|leg| leg.stay.joined.is_none());
        let colleagues = parties.len() > 1 && (self.record_internal || strangers_to_it);
        (outside || colleagues) && parties.iter().any(|leg| leg.is_present())
    }

    fn begin_anew(&mut self, id: RecordingId, group: Vec<usize>) {
        let mut next = if self.is_spent(id) { successor(id) } else { parted(id, self.legs[&group[0]].key()) };
        while self.books.contains_key(&next) {
            next = successor(next);
        }
        self.order += 1;
        let refused = self.stopped || self.faulty;
        self.books.insert(next, Book { born: self.order, refused, ..Book::default() });
        for n in group {
            self.move_leg(n, next);
        }
    }

    /// What follows for recordings from how everybody stands now.
    pub(super) fn settle(&mut self) {
        loop {
            let ids: Vec<RecordingId> = self.books.keys().copied().collect();
            ids.iter().for_each(|id| self.part(*id));
            let closed = self.books.values().filter(|book| book.is_closed()).count();
            let ids: Vec<RecordingId> = self.books.keys().copied().collect();
            ids.into_iter().for_each(|id| self.note(id));
            // Where one ended, those who are left there may be another conversation.
            if self.books.values().filter(|book| book.is_closed()).count() == closed {
                break;
            }
        }
        for n in self.legs.keys().copied().filter(|n| self.captured(*n)).collect::<Vec<_>>() {
            let Leg { recording, birth, .. } = self.legs[&n];
            self.book(recording).tracks.insert(birth);
        }
    }

    fn note(&mut self, id: RecordingId) {
        let now = self.now;
        let here: Vec<usize> = self.present(id).map(|(n, _)| n).collect();
        if self.legs_of(id).any(|(_, leg)| leg.is_present()) {
            self.book(id).answered_at.get_or_insert(now);
        }
        if !here.is_empty() {
            self.note_present(id, here);
        }
        // Also who has parted from the others: what it took part in is at stake.
        let enders: Vec<(usize, &Leg)> = self.legs_of(id).filter(|(_, leg)| leg.ends_recordings()).collect();
        let objected = enders.iter().any(|(_, leg)| leg.told == Told::SaysNo);
        let keeps = enders.iter().all(|(_, leg)| leg.stay.late && !self.books[&id].tracks.contains(&leg.birth));
        if !enders.is_empty() && !self.books[&id].is_closed() {
            let left = enders.iter().any(|(_, leg)| leg.told == Told::LeftAtOnce);
            let reason = match (objected, left) {
                (true, _) => NotRecorded::Objected,
                (false, true) => NotRecorded::RefusedHangup,
                (false, false) => NotRecorded::NotInformed,
            };
            self.book(id).ended = Some((reason, keeps));
        }
        let outside = self.legs_of(id).any(|(_, leg)| leg.is_somebody() && leg.is_outside && !leg.apart);
        let (first, second) = {
            let mut legs = self.legs_of(id).map(|(_, leg)| leg);
            (legs.next().is_some_and(|leg| leg.is_present() && !leg.is_outside), legs.next().is_some())
        };
        let book = self.book(id);
        book.over |= book.met && !outside && book.ended.is_none();
        if book.over {
            book.paused_until = None;
        }
        let idle = first && !second && !book.is_closed();
        book.idle_since = if idle { book.idle_since.or(Some(now)) } else { None };
    }

    fn note_present(&mut self, id: RecordingId, here: Vec<usize>) {
        let now = self.now;
        let connected = here.len() > 1 && here.iter().any(|n| self.legs[n].is_outside && self.is_connected(*n));
        self.book(id).met |= connected;
        let strangers = self.strangers(self.legs_of(id).map(|(_, leg)| leg).filter(|leg| !leg.apart));
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
    }

    /// More than one from outside, and nobody of the company's.
    fn strangers<'a>(&self, legs: impl Iterator<Item = &'a Leg>) -> bool {
        let concerned: Vec<&Leg> = legs.filter(|leg| leg.is_present() || leg.rings()).collect();
        concerned.len() > 1
            && concerned.iter().all(|leg| leg.is_outside)
            && concerned.iter().any(|leg| leg.is_present())
    }

    /// Somebody is named by it, or it by somebody.
    fn is_connected(&self, n: usize) -> bool {
        let leg = &self.legs[&n];
        leg.names.is_some()
            || leg.room.is_some()
            || leg.guest_of.is_some()
            || self.legs.values().any(|other| other.names == Some(n) || other.guest_of == Some(n))
    }

    fn captured(&self, n: usize) -> bool {
        let leg = &self.legs[&n];
        let book = &self.books[&leg.recording];
        let circle = self.circle(n, Way::Now);
        let mates: Vec<&Leg> = circle.iter().map(|m| &self.legs[m]).filter(|mate| mate.is_present()).collect();
        let outsiders: Vec<&&Leg> = mates.iter().filter(|mate| mate.is_outside).collect();
        let scope = outsiders.iter().any(|mate| mate.may_be_heard())
            || (!leg.is_outside && outsiders.iter().any(|mate| mate.told == Told::ByAgentYet))
            || (outsiders.is_empty() && mates.len() > 1 && self.record_internal);
        let forbidden = mates
            .iter()
            .any(|mate| mate.exempt || mate.ends_recordings() || matches!(mate.told, Told::Never | Told::Broken));
        let company = |leg: &&Leg| !leg.is_outside && (leg.is_present() || leg.rings());
        let has_company = circle.iter().map(|m| &self.legs[m]).any(|leg| company(&leg));
        let among_strangers = !has_company && (book.strangers || self.strangers(circle.iter().map(|m| &self.legs[m])));
        let races = circle.iter().any(|m| {
            let mate = &self.legs[m];
            !mate.is_outside && mate.rings() && !self.is_connected(*m)
        });
        let silenced = self.circle(n, Way::Bridge).iter().any(|mate| self.legs[mate].held || self.legs[mate].waiting);
        leg.is_present()
            && !leg.apart
            && leg.tapped
            && !leg.bypassed
            && leg.may_be_heard()
            && !leg.muted
            && scope
            && !book.refused
            && book.paused_until.is_none()
            && !book.is_closed()
            && !forbidden
            && !among_strangers
            && !races
            && !silenced
            && !self.waits(n)
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
            if let Some((since, false)) = leg.interrupted {
                due.push((since + INTERRUPTED, 3, *n));
            }
        }
        let ids: Vec<RecordingId> = self.books.keys().copied().collect();
        for (n, id) in ids.iter().enumerate() {
            let book = &self.books[id];
            due.extend(book.idle_since.map(|since| (since + IDLE, 4, n)));
            due.extend(book.paused_until.map(|until| (until, 5, n)));
        }
        due.retain(|(at, ..)| *at <= now);
        due.sort_by_key(|&(at, kind, n)| (at, kind, if kind >= 4 { n } else { self.legs[&n].birth }));
        for (at, kind, n) in due {
            match kind {
                4 if self.books[&ids[n]].idle_since == Some(at - IDLE) => self.book(ids[n]).over = true,
                4 => {}
                5 => self.book(ids[n]).paused_until = None,
                _ => {
                    let leg = self.legs.get_mut(&n).expect("nobody hangs up by waiting");
                    match kind {
                        0 => leg.untold(),
                        1 => leg.told = Told::SaysNo,
                        2 => leg.told = Told::NotByAgent,
                        _ => leg.interrupted = leg.interrupted.map(|(since, _)| (since, true)),
                    }
                }
            }
            self.settle();
        }
    }
}
