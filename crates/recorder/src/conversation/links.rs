//! Who hears whom: bridges, conferences, who is on the way, and loopback legs in between.
use std::collections::BTreeSet;

use crate::conversation::leg::{BridgeState, Leg};
use crate::conversation::timers::{BRIDGE_PAUSED, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::LegKey;

/// How far one hears.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    /// The bridge that the leg is in, and loopbacks.
    Bridge,
    /// Conferences, those who were let in and who is on the way as well; a bridge also while it is paused.
    Everything,
    /// The same but for paused bridges: who hears whom at this moment.
    Now,
}

impl Conversations {
    /// The leg says that it is bridged to that one, or to none any more.
    pub(super) fn link(&mut self, key: LegKey, partner: Option<LegKey>) {
        self.point(key, partner, |leg| &mut leg.partner, |other| &mut other.named_by);
        self.timers.unset(TimerReason::BridgePaused(key));
        self.words += 1;
        let Some(leg) = self.legs.get_mut(&key) else { return };
        (leg.said, leg.bridge, leg.is_kept_waiting) = (self.words, BridgeState::Runs, false);
        let Some(partner) = leg.partner else { return };
        for other in leg.named_by.clone() {
            if let Some(other) = self.legs.get_mut(&other) {
                other.is_kept_waiting = true;
            }
        }
        if let Some(partner) = self.legs.get_mut(&partner) {
            partner.is_kept_waiting = false;
        }
    }

    /// The leg does something else, and its bridge goes on afterwards. What takes no time is no pause.
    pub(super) fn bridge_pauses(&mut self, key: LegKey, when: Moment) {
        if let Some(leg) = self.legs.get_mut(&key).filter(|leg| leg.bridge == BridgeState::Runs) {
            leg.bridge = BridgeState::Pausing;
            self.timers.set(when.at.plus(BRIDGE_PAUSED), TimerReason::BridgePaused(key));
        }
    }

    /// It still does.
    pub(super) fn bridge_is_paused(&mut self, key: LegKey) {
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.bridge = BridgeState::Paused;
        }
    }

    /// The leg was let into the call of that one, or is in it no more.
    pub(super) fn let_into(&mut self, key: LegKey, of: Option<LegKey>) {
        self.point(key, of, |leg| &mut leg.let_in_by, |other| &mut other.let_in);
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.left = of.is_none();
        }
    }

    /// The leg is rung for that one.
    pub(super) fn ring_for(&mut self, key: LegKey, parent: Option<LegKey>) {
        self.point(key, parent, |leg| &mut leg.rung_for, |other| &mut other.rings);
    }

    /// The leg names another that is there in this place, and whoever is named knows by whom.
    fn point(
        &mut self,
        key: LegKey,
        to: Option<LegKey>,
        place: impl Fn(&mut Leg) -> &mut Option<LegKey>,
        known: impl Fn(&mut Leg) -> &mut BTreeSet<LegKey>,
    ) {
        let to = to.filter(|to| *to != key && self.legs.get(to).is_some_and(|other| !other.hung_up));
        let former = self.legs.get_mut(&key).and_then(|leg| std::mem::replace(place(leg), to));
        if let Some(other) = former.and_then(|former| self.legs.get_mut(&former)) {
            known(other).remove(&key);
        }
        if let Some(other) = to.and_then(|to| self.legs.get_mut(&to)) {
            known(other).insert(key);
        }
    }

    /// The leg is in that conference, or in none any more.
    pub(super) fn enter(&mut self, key: LegKey, room: Option<Box<str>>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.left = room.is_none();
        let former = std::mem::replace(&mut leg.room, room.clone());
        if let Some(former) = former {
            let emptied = self.rooms.get_mut(&former).is_some_and(|legs| {
                legs.remove(&key);
                legs.is_empty()
            });
            if emptied {
                self.rooms.remove(&former);
            }
        }
        if let Some(room) = room {
            self.rooms.entry(room).or_default().insert(key);
        }
    }

    /// A leg that is no party, born for another that is none either: the two halves of a loopback. Any other leg that
    /// is born for one is on the way to it.
    pub(super) fn pair(&mut self, key: LegKey, born_for: Option<LegKey>) {
        let is_party = |key: LegKey| self.legs.get(&key).is_some_and(|leg| leg.is_party);
        let is_there = |other: &LegKey| self.legs.get(other).is_some_and(|leg| !leg.hung_up);
        let Some(other) = born_for.filter(|other| *other != key && is_there(other)) else { return };
        if is_party(key) || is_party(other) {
            return self.ring_for(key, Some(other));
        }
        let former = self.legs.get_mut(&other).and_then(|half| half.other_half.replace(key));
        self.forget_in(former, |leg| &mut leg.other_half);
        if let Some(half) = self.legs.get_mut(&key) {
            half.other_half = Some(other);
        }
    }

    /// Nobody hears the leg any more. Answers who named it or was named by it.
    pub(super) fn unlink(&mut self, key: LegKey) -> BTreeSet<LegKey> {
        let near = self.legs.get(&key).map(|leg| [leg.partner, leg.let_in_by, leg.rung_for, leg.other_half]);
        self.link(key, None);
        self.let_into(key, None);
        self.enter(key, None);
        self.ring_for(key, None);
        let Some(leg) = self.legs.get_mut(&key) else { return BTreeSet::new() };
        let half = leg.other_half.take();
        let named_by = std::mem::take(&mut leg.named_by);
        let let_in = std::mem::take(&mut leg.let_in);
        let rings = std::mem::take(&mut leg.rings);
        let named = near.into_iter().flatten().flatten();
        let bereft = named_by.iter().chain(&let_in).chain(&rings).copied().chain(named).collect();
        self.forget_in(named_by, |leg| &mut leg.partner);
        self.forget_in(let_in, |leg| &mut leg.let_in_by);
        self.forget_in(rings, |leg| &mut leg.rung_for);
        self.forget_in(half, |leg| &mut leg.other_half);
        bereft
    }

    fn forget_in(&mut self, keys: impl IntoIterator<Item = LegKey>, place: impl Fn(&mut Leg) -> &mut Option<LegKey>) {
        for key in keys {
            if let Some(leg) = self.legs.get_mut(&key) {
                *place(leg) = None;
            }
        }
    }

    /// All legs that are in one conversation with this one, and itself.
    pub(super) fn circle(&self, key: LegKey) -> BTreeSet<LegKey> {
        self.reach(key, Through::Everything)
    }

    /// All legs that hear this one at this moment or are about to, directly or through others, and itself.
    pub(super) fn hearing(&self, key: LegKey) -> BTreeSet<LegKey> {
        self.reach(key, Through::Now)
    }

    /// Whether this leg is so or anyone it is bridged to. A conference goes on while one of its members holds.
    pub(super) fn is_any_of_pair(&self, key: LegKey, is_so: impl Fn(&Leg) -> bool) -> bool {
        self.reach(key, Through::Bridge).iter().any(|key| self.legs.get(key).is_some_and(&is_so))
    }

    /// Whether the leg is in a bridge whose other end is elsewhere: what it hears is music. Of a bridge that is over the
    /// other end knows first.
    pub(super) fn waits_for_others(&self, key: LegKey) -> bool {
        let Some(leg) = self.legs.get(&key) else { return false };
        let bridge_goes_on =
            |partner| leg.bridge == BridgeState::Paused || leg.is_kept_waiting || self.partner_of(partner) == Some(key);
        let is_somebody = |other: &LegKey| *other != key && self.legs.get(other).is_some_and(Leg::may_be_present);
        leg.partner.is_some_and(bridge_goes_on) && !self.hearing(key).iter().any(is_somebody)
    }

    fn reach(&self, from: LegKey, through: Through) -> BTreeSet<LegKey> {
        let mut reached = BTreeSet::from([from]);
        let mut entered: BTreeSet<&str> = BTreeSet::new();
        let mut walk = vec![from];
        while let Some(key) = walk.pop() {
            let Some(leg) = self.legs.get(&key) else { continue };
            let mut near: Vec<LegKey> = leg.partner.into_iter().chain(leg.named_by.iter().copied()).collect();
            near.retain(|other| self.are_bridged(key, *other, through));
            near.extend(leg.other_half);
            if through != Through::Bridge {
                near.extend(leg.let_in_by.into_iter().chain(leg.let_in.iter().copied()));
                near.extend(leg.rung_for.filter(|_| self.is_on_its_way(key)));
                near.extend(leg.rings.iter().copied().filter(|rung| self.is_on_its_way(*rung)));
                let room = leg.room.as_deref().filter(|room| entered.insert(room));
                near.extend(room.and_then(|room| self.rooms.get(room)).into_iter().flatten());
            }
            walk.extend(near.into_iter().filter(|other| self.legs.contains_key(other) && reached.insert(*other)));
        }
        reached
    }

    /// Whether the leg comes to whoever it is rung for: it has met nobody, and that one has not left those with whom
    /// it is bridged waiting to ring it (an attended transfer by digits).
    fn is_on_its_way(&self, key: LegKey) -> bool {
        let Some(leg) = self.legs.get(&key).filter(|leg| !leg.met && !leg.is_linked() && !leg.lost_race) else {
            return false;
        };
        let parent = leg.rung_for.and_then(|parent| self.legs.get(&parent));
        parent.is_some_and(|parent| parent.bridge == BridgeState::Runs)
    }

    /// The latest word on either of them is of the other: the host tells both, one after the other, and what one of
    /// them said before may be over.
    fn are_bridged(&self, one: LegKey, other: LegKey, through: Through) -> bool {
        let is_paused = |key: LegKey| self.legs.get(&key).is_some_and(|leg| leg.bridge == BridgeState::Paused);
        if through == Through::Now && (is_paused(one) || is_paused(other)) {
            return false;
        }
        self.partner_of(one) == Some(other) && self.partner_of(other) == Some(one)
    }

    /// Whom the latest word says that the leg is bridged to, its own or another's.
    fn partner_of(&self, key: LegKey) -> Option<LegKey> {
        let leg = self.legs.get(&key)?;
        let said = |by: &LegKey| self.legs.get(by).map(|leg| (leg.said, Some(*by)));
        let words = leg.named_by.iter().filter_map(said).chain([(leg.said, leg.partner)]);
        words.max_by_key(|(said, _)| *said)?.1
    }
}
