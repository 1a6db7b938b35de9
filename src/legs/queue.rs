//! Whether a leg waits in a queue (REC-08): a level, made of the applications it is in and of its bridges.
#[derive(Debug, Default)]
pub struct Queue {
    /// Queue applications that it is in, one within the other.
    inside: u32,
    /// One of them ended and nothing else began: mod_fifo's caller is bridged only after its application let go of it.
    lingers: bool,
    bridged: bool,
}

impl Queue {
    /// An application begins on the leg; whether it is one that queues.
    pub fn begun(&mut self, queues: bool) {
        self.lingers = false;
        self.inside += u32::from(queues);
    }

    /// An application ended; whether it was one that queues.
    pub fn ended(&mut self, queues: bool) {
        // A policy that was reloaded in between may name others.
        if queues && self.inside > 0 {
            self.inside -= 1;
            self.lingers = self.inside == 0;
        }
    }

    /// The leg is bridged, or no more.
    pub fn bridged(&mut self, on: bool) {
        self.bridged = on;
        self.lingers = false;
    }

    /// It waits at this moment.
    pub fn waits(&self) -> bool {
        !self.bridged && (self.inside > 0 || self.lingers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-08: mod_fifo's caller, then one whose application stays while it is bridged, as an agent's in `fifo out wait`.
    #[test]
    fn a_leg_waits_from_its_queue_to_its_bridge_and_again_where_the_queue_goes_on() {
        let mut caller = Queue::default();
        assert!(!caller.waits());
        caller.begun(true);
        assert!(caller.waits());
        caller.ended(true);
        assert!(caller.waits(), "it was let go to be bridged, and is not yet");
        caller.bridged(true);
        assert!(!caller.waits());
        caller.bridged(false);
        assert!(!caller.waits(), "its queue is behind it");

        let mut agent = Queue::default();
        agent.begun(true);
        agent.bridged(true);
        assert!(!agent.waits());
        agent.bridged(false);
        assert!(agent.waits());
        agent.begun(false);
        agent.ended(false);
        assert!(agent.waits(), "something played to it within its queue");
    }

    #[test]
    fn who_leaves_its_queue_for_another_application_waits_no_more() {
        let mut leg = Queue::default();
        leg.begun(true);
        leg.ended(true);
        leg.begun(false);
        assert!(!leg.waits());
        leg.ended(true);
        assert!(!leg.waits(), "an end without a beginning changes nothing");
    }
}
