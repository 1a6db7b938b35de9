//! Who hears whom: bridges, conferences, and loopback legs in between.
use std::collections::BTreeSet;

use crate::conversation::Conversations;
use crate::conversation::leg::Leg;
use crate::ids::LegKey;

impl Conversations {
    /// The leg says that it is bridged to that one, or to none any more.
    pub(super) fn link(&mut self, key: LegKey, partner: Option<LegKey>) {
        self.point(key, partner, |leg| &mut leg.partner, |other| &mut other.named_by);
    }

    /// The leg was let into the call of that one, or is in it no more.
    pub(super) fn let_into(&mut self, key: LegKey, of: Option<LegKey>) {
        self.point(key, of, |leg| &mut leg.let_in_by, |other| &mut other.let_in);
    }

    /// The leg names another in this place, and whoever is named knows by whom.
    fn point(
        &mut self,
        key: LegKey,
        to: Option<LegKey>,
        place: impl Fn(&mut Leg) -> &mut Option<LegKey>,
        known: impl Fn(&mut Leg) -> &mut BTreeSet<LegKey>,
    ) {
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

    /// A leg that is no party, born for another that is none either: the two halves of a loopback.
    pub(super) fn pair(&mut self, key: LegKey, half_of: Option<LegKey>) {
        let Some(other) = half_of else { return };
        if let Some(first) = self.legs.get_mut(&other).filter(|leg| !leg.is_party) {
            first.other_half = Some(key);
            if let Some(second) = self.legs.get_mut(&key) {
                second.other_half = Some(other);
            }
        }
    }

    /// Nobody hears the leg any more.
    pub(super) fn unlink(&mut self, key: LegKey) {
        self.link(key, None);
        self.let_into(key, None);
        self.enter(key, None);
        if let Some(leg) = self.legs.get_mut(&key) {
            let half = leg.other_half.take();
            let named_by = std::mem::take(&mut leg.named_by);
            let let_in = std::mem::take(&mut leg.let_in);
            for other in named_by {
                if let Some(other) = self.legs.get_mut(&other) {
                    other.partner = None;
                }
            }
            for guest in let_in {
                if let Some(guest) = self.legs.get_mut(&guest) {
                    guest.let_in_by = None;
                }
            }
            if let Some(half) = half.and_then(|half| self.legs.get_mut(&half)) {
                half.other_half = None;
            }
        }
    }

    /// All legs that hear this one, directly or through others, and itself.
    pub(super) fn circle(&self, key: LegKey) -> BTreeSet<LegKey> {
        self.reach(key, true)
    }

    /// Whether this leg is so or anyone it is bridged to. A conference goes on while one of its members holds.
    pub(super) fn is_any_of_pair(&self, key: LegKey, is_so: impl Fn(&Leg) -> bool) -> bool {
        self.reach(key, false).iter().any(|key| self.legs.get(key).is_some_and(&is_so))
    }

    fn reach(&self, from: LegKey, through_rooms: bool) -> BTreeSet<LegKey> {
        let mut reached = BTreeSet::from([from]);
        let mut walk = vec![from];
        while let Some(key) = walk.pop() {
            let Some(leg) = self.legs.get(&key) else { continue };
            let mut near: Vec<LegKey> = leg.partner.into_iter().chain(leg.named_by.iter().copied()).collect();
            near.retain(|other| self.are_bridged(key, *other));
            near.extend(leg.other_half);
            if through_rooms {
                near.extend(leg.let_in_by.into_iter().chain(leg.let_in.iter().copied()));
            }
            if through_rooms && let Some(room) = leg.room.as_ref().and_then(|room| self.rooms.get(room)) {
                near.extend(room);
            }
            walk.extend(near.into_iter().filter(|other| self.legs.contains_key(other) && reached.insert(*other)));
        }
        reached
    }

    /// One of them says so, and the other does not say otherwise: the host tells both, one after the other, and
    /// what one of them said before may be over.
    fn are_bridged(&self, one: LegKey, other: LegKey) -> bool {
        let names = |key: LegKey| self.legs.get(&key).and_then(|leg| leg.partner);
        match (names(one), names(other)) {
            (Some(named), None) => named == other,
            (None, Some(named)) => named == one,
            (Some(first), Some(second)) => first == other && second == one,
            (None, None) => false,
        }
    }
}
