//! A party's handle on a call: answering, waiting, listening, hanging up.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agent::{locked, user_of};
use super::dialog::CallInner;
use super::message::{Message, Start};
use super::plan::CallEvent;
use crate::codec::Codec;
use crate::rtp::{Heard, RtpSession, Speech};
use crate::{Proof, broken};

/// A handle on a call; clones are the same call.
#[derive(Clone)]
pub struct Call {
    pub(super) inner: Arc<CallInner>,
}

impl Call {
    pub(super) fn of(inner: Arc<CallInner>) -> Self {
        Self { inner }
    }

    /// The SIP call id. A host of [`crate::freeswitch`] gives the leg this very uuid.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Whom the other side says it is (the user part of its address).
    pub fn remote_user(&self) -> String {
        user_of(&locked(&self.inner.dialog).remote).to_owned()
    }

    /// The call's media.
    pub fn media(&self) -> &RtpSession {
        &self.inner.media
    }

    /// Says something else from the next packet on.
    pub fn say(&self, speech: Speech) {
        self.inner.media.say(speech);
    }

    /// What was heard so far.
    pub fn heard(&self) -> Proof<Heard> {
        self.inner.media.heard()
    }

    /// The codec both agreed on.
    pub fn codec(&self) -> Option<Codec> {
        locked(&self.inner.dialog).agreed
    }

    /// 180.
    pub fn ring(&self) {
        let open = locked(&self.inner.dialog).open_invite.clone();
        if let Some(invite) = open {
            let tag = locked(&self.inner.dialog).local_tag.clone();
            let response = Message::response(&invite, 180, "Ringing", &tag).with("Contact", self.inner.wire.contact());
            self.inner.respond(&invite, response);
        }
    }

    /// 183 with our answer: audio flows before the call is answered.
    pub fn early_media(&self) -> Proof {
        let mut dialog = locked(&self.inner.dialog);
        let Some(invite) = dialog.open_invite.clone() else { broken!("no call is waiting to be answered") };
        let Some(response) = self.inner.described(&mut dialog, &invite, 183, "Session Progress") else {
            broken!("the host offered no codec of ours: {}", invite.body)
        };
        drop(dialog);
        self.inner.respond(&invite, response);
        Ok(())
    }

    /// 200. The answer stands when the host acknowledged it: [`Call::wait_answered`].
    pub fn answer(&self) -> Proof {
        let mut dialog = locked(&self.inner.dialog);
        let Some(invite) = dialog.open_invite.clone() else { broken!("no call is waiting to be answered") };
        let Some(response) = self.inner.described(&mut dialog, &invite, 200, "OK") else {
            broken!("the host offered no codec of ours: {}", invite.body)
        };
        dialog.open_invite = None;
        let peer = dialog.peer;
        dialog.given.insert(("INVITE".into(), invite.sequence()), response.clone());
        drop(dialog);
        self.inner.wire.send_until_answered(&response, peer);
        Ok(())
    }

    /// A final refusal.
    pub fn refuse(&self, status: u16) {
        let open = locked(&self.inner.dialog).open_invite.take();
        if let Some(invite) = open {
            self.inner.final_refusal(&invite, status, "Refused");
        }
    }

    /// Waits for what `wanted` finds among the call's events, past ones included.
    pub fn wait<T>(&self, what: &str, limit: Duration, wanted: impl Fn(&CallEvent) -> Option<T>) -> Proof<T> {
        self.wait_in_all(what, limit, |events| events.iter().find_map(|(_, event)| wanted(event)))
    }

    /// Waits for what `wanted` finds in all that has happened in the call.
    pub fn wait_in_all<T>(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&[(Instant, CallEvent)]) -> Option<T>,
    ) -> Proof<T> {
        let until = Instant::now() + limit;
        let mut dialog = locked(&self.inner.dialog);
        loop {
            if let Some(found) = wanted(&dialog.events) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let happened: Vec<&CallEvent> = dialog.events.iter().map(|(_, event)| event).collect();
                broken!("{} waited {limit:?} in vain {what}; so far: {happened:?}", self.inner.wire.name);
            }
            dialog = match self.inner.changed.wait_timeout(dialog, left) {
                Ok((dialog, _)) => dialog,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Waits until the call stands; a refusal fails at once.
    pub fn wait_answered(&self, limit: Duration) -> Proof<Instant> {
        let outcome = self.wait("for an answer", limit, |event| match event {
            CallEvent::Answered => Some(Ok(())),
            CallEvent::Refused(status) => Some(Err(*status)),
            CallEvent::Provisional(_)
            | CallEvent::Ended
            | CallEvent::HungUp
            | CallEvent::Reinvited(_)
            | CallEvent::Recording(_)
            | CallEvent::Response(..)
            | CallEvent::Notified(_)
            | CallEvent::Info(_) => None,
        })?;
        if let Err(status) = outcome {
            broken!("{} was refused with {status}", self.inner.wire.name);
        }
        self.when(|event| *event == CallEvent::Answered).ok_or_else(|| "the answer has no time".into())
    }

    /// Waits until the other side hung up.
    pub fn wait_ended(&self, limit: Duration) -> Proof<Instant> {
        self.wait("for the other side to hang up", limit, |event| {
            matches!(event, CallEvent::Ended | CallEvent::Refused(_)).then_some(())
        })?;
        self.when(|event| matches!(event, CallEvent::Ended | CallEvent::Refused(_)))
            .ok_or_else(|| "the end has no time".into())
    }

    /// When the call was answered and when it ended, whoever hung up; `None` for what did not happen yet.
    pub fn span(&self) -> (Option<Instant>, Option<Instant>) {
        let over = |event: &CallEvent| matches!(event, CallEvent::Ended | CallEvent::HungUp);
        (self.when(|event| *event == CallEvent::Answered), self.when(over))
    }

    /// When the first event of a kind happened.
    pub fn when(&self, wanted: impl Fn(&CallEvent) -> bool) -> Option<Instant> {
        locked(&self.inner.dialog).events.iter().find(|(_, event)| wanted(event)).map(|(at, _)| *at)
    }

    /// All that happened so far.
    pub fn events(&self) -> Vec<CallEvent> {
        locked(&self.inner.dialog).events.iter().map(|(_, event)| event.clone()).collect()
    }

    /// Speaks on for this long from now, then goes on with the scenario.
    pub fn talk(&self, length: Duration) -> Proof {
        self.inner.media.wait_said(length)
    }

    /// BYE, or CANCEL while it rings; waits until the host has it.
    pub fn hang_up(&self) -> Proof {
        let (standing, invite) = {
            let dialog = locked(&self.inner.dialog);
            if dialog.has(|event| matches!(event, CallEvent::Ended | CallEvent::HungUp | CallEvent::Refused(_))) {
                return Ok(());
            }
            (dialog.has(|event| *event == CallEvent::Answered), dialog.sent_invite.clone())
        };
        self.inner.media.may_send(false);
        if standing {
            self.inner.ask("BYE", |message| message);
            self.inner.happened(CallEvent::HungUp);
            return self.wait_response("BYE").map(drop);
        }
        if let Some(invite) = invite {
            let mut cancel = invite.clone();
            cancel.body.clear();
            cancel
                .headers
                .retain(|(name, _)| ["Via", "Max-Forwards", "From", "To", "Call-ID"].contains(&name.as_str()));
            if let Start::Request(method, _) = &mut cancel.start {
                *method = "CANCEL".into();
            }
            let cancel = cancel.with("CSeq", format!("{} CANCEL", invite.sequence()));
            let peer = locked(&self.inner.dialog).peer;
            self.inner.wire.send_until_answered(&cancel, peer);
            self.wait_response("CANCEL")?;
        }
        self.inner.happened(CallEvent::HungUp);
        Ok(())
    }

    pub(super) fn wait_response(&self, method: &str) -> Proof<u16> {
        self.wait(&format!("for a response to {method}"), Duration::from_secs(10), |event| event.response_to(method))
    }

    pub(super) fn responses(&self, method: &str) -> Vec<u16> {
        let dialog = locked(&self.inner.dialog);
        dialog.events.iter().filter_map(|(_, event)| event.response_to(method)).collect()
    }
}
