//! A party that is another's than it was taken for (decision 18): the company's turns out to be outside, never the other
//! way round, for nothing that comes later proves more than what was known at first.
use crate::conversation::consent::Step;
use crate::conversation::effect::Effect;
use crate::conversation::input::Side;
use crate::conversation::leg::Leg;
use crate::conversation::over::successor;
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId};
use crate::policy::Policy;

impl Conversations {
    /// The leg's party is outside from now on, and not told. What was captured of it as the company's own ends here: the
    /// recording in which it was one of the company's is over, and all who are there go on in another.
    pub(super) fn turned_outside(&mut self, key: LegKey, policy: &Policy, when: Moment, effects: &mut Vec<Effect>) {
        let company = |leg: &&mut Leg| leg.side == Side::Company && !leg.hung_up;
        let Some(leg) = self.legs.get_mut(&key).filter(company) else { return };
        let (id, was_party) = (leg.recording, leg.stay.party.is_some());
        if was_party && self.recordings.get(&id).is_some_and(|recording| recording.closed.is_none()) {
            // It leaves as what it was there.
            let next = self.unused_after(id);
            self.go_on_in(id, next, when, effects);
        }
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.turn_outside(policy);
        if leg.answered {
            self.stand(key, Step::Answered, when);
        }
        self.settle(key, when, effects);
    }

    fn unused_after(&self, id: RecordingId) -> RecordingId {
        let mut next = successor(id);
        while self.recordings.contains_key(&next) || self.over.knows(next) {
            next = successor(next);
        }
        next
    }
}
