//! One call: a dialog, its INVITE transactions and its media.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::agent::{Wire, locked, remote_tag, user_of};
use super::message::{Message, Start, uri_of};
use super::sdp::{Description, Direction};
use crate::codec::Codec;
use crate::rtp::{Heard, RtpSession, Sending, Speech};
use crate::{Proof, broken};

const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER";

/// How a party takes part in a call.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// What it understands, best first.
    pub codecs: Vec<Codec>,
    /// How it sends.
    pub sending: Sending,
    /// `a=ptime` where it is not the first of the packet times, ms.
    pub packet_time: Option<u32>,
    /// The whole value of From before its tag, where it is not the agent's own address.
    pub from: Option<String>,
    /// More headers of the INVITE.
    pub headers: Vec<(String, String)>,
}

impl Default for CallPlan {
    fn default() -> Self {
        Self::saying(Speech::Silence)
    }
}

impl CallPlan {
    /// PCMU or PCMA in 20 ms packets.
    pub fn saying(speech: Speech) -> Self {
        Self {
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            sending: Sending::of(speech),
            packet_time: None,
            from: None,
            headers: Vec::new(),
        }
    }

    /// A tone, as [`CallPlan::saying`] has it.
    pub fn tone(frequency: u32) -> Self {
        Self::saying(Speech::Tone(frequency))
    }

    /// With these codecs only.
    #[must_use]
    pub fn with_codecs(mut self, codecs: &[Codec]) -> Self {
        self.codecs = codecs.to_vec();
        self
    }

    /// With these packet times, over and over, ms.
    #[must_use]
    pub fn with_packet_times(mut self, times: &[u32]) -> Self {
        self.sending.packet_times = times.to_vec();
        self
    }

    fn packet_time(&self) -> u32 {
        self.packet_time.unwrap_or(self.sending.packet_times[0])
    }
}

/// What happened in a call, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// A provisional response: 180, 183 …
    Provisional(u16),
    /// The call stands: our 200 was acknowledged or theirs came.
    Answered,
    /// They refused, or gave up, with this status.
    Refused(u16),
    /// They hung up (BYE or CANCEL).
    Ended,
    /// We hung up.
    HungUp,
    /// They described the session anew: who sends, from their side.
    Reinvited(Direction),
    /// A final response to a request of ours other than the first INVITE.
    Response(String, u16),
    /// NOTIFY's body: how a transfer goes.
    Notified(String),
    /// INFO's body.
    Info(String),
}

impl CallEvent {
    /// The status, where this is a final response to such a request of ours.
    fn response_to(&self, method: &str) -> Option<u16> {
        if let Self::Response(own, status) = self { (own == method).then_some(*status) } else { None }
    }
}

/// A handle on a call; clones are the same call.
#[derive(Clone)]
pub struct Call {
    inner: Arc<CallInner>,
}

pub(super) struct CallInner {
    wire: Arc<Wire>,
    id: String,
    media: RtpSession,
    plan: CallPlan,
    dialog: Mutex<Dialog>,
    changed: Condvar,
}

struct Dialog {
    /// From's and To's values as we write them in our requests.
    local: String,
    remote: String,
    remote_tag: Option<String>,
    local_tag: String,
    /// Their contact, the request URI of what we send in the dialog.
    target: String,
    peer: SocketAddr,
    sequence: u32,
    /// Our last INVITE, until it has its final response: for CANCEL and the ACK of a refusal.
    sent_invite: Option<Message>,
    /// Their INVITE that waits for our final response.
    open_invite: Option<Message>,
    /// Our last response to each of their requests, repeated when they repeat.
    given: HashMap<(String, u32), Message>,
    /// The last INVITE of ours that was answered: its 200 may come again.
    acknowledged: u32,
    codecs: Vec<Codec>,
    direction: Direction,
    version: u32,
    agreed: Option<Codec>,
    events: Vec<(Instant, CallEvent)>,
}

impl CallInner {
    pub(super) fn outgoing(wire: Arc<Wire>, user: &str, host: SocketAddr, plan: CallPlan) -> Proof<Arc<Self>> {
        let id = wire.unique_call();
        let local_tag = wire.unique();
        let from = plan.from.clone().unwrap_or_else(|| format!("<sip:{}@{}>", wire.name, wire.local));
        let target = format!("sip:{user}@{host}");
        let dialog = Dialog {
            local: format!("{from};tag={local_tag}"),
            remote: format!("<{target}>"),
            remote_tag: None,
            local_tag,
            target,
            peer: host,
            sequence: 0,
            sent_invite: None,
            open_invite: None,
            given: HashMap::new(),
            acknowledged: 0,
            codecs: plan.codecs.clone(),
            direction: Direction::SendRecv,
            version: 0,
            agreed: None,
            events: Vec::new(),
        };
        let media = RtpSession::open(plan.sending.clone())?;
        Ok(Arc::new(Self { wire, id, media, plan, dialog: Mutex::new(dialog), changed: Condvar::new() }))
    }

    pub(super) fn incoming(wire: Arc<Wire>, invite: &Message, from: SocketAddr, plan: CallPlan) -> Proof<Arc<Self>> {
        let local_tag = wire.unique();
        let remote = invite.header("from").unwrap_or("").to_owned();
        let target = invite.header("contact").map_or("", uri_of).to_owned();
        let dialog = Dialog {
            local: format!("{};tag={local_tag}", invite.header("to").unwrap_or("")),
            remote_tag: remote_tag(Some(&remote)),
            remote,
            local_tag: local_tag.clone(),
            target,
            peer: from,
            sequence: 100,
            sent_invite: None,
            open_invite: Some(invite.clone()),
            given: HashMap::new(),
            acknowledged: 0,
            codecs: plan.codecs.clone(),
            direction: Direction::SendRecv,
            version: 0,
            agreed: None,
            events: Vec::new(),
        };
        let media = RtpSession::open(plan.sending.clone())?;
        let id = invite.call_id().to_owned();
        let inner = Self { wire, id, media, plan, dialog: Mutex::new(dialog), changed: Condvar::new() };
        inner.respond(invite, Message::response(invite, 100, "Trying", &local_tag));
        Ok(Arc::new(inner))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn invite(&self) {
        let mut dialog = locked(&self.dialog);
        dialog.version += 1;
        let offer = Description::offer(
            self.media.port(),
            &dialog.codecs,
            self.plan.packet_time(),
            dialog.direction,
            dialog.version,
        );
        let mut invite = self.request(&mut dialog, "INVITE");
        for (name, value) in &self.plan.headers {
            invite = invite.with(name, value);
        }
        let invite = invite.with_body("application/sdp", offer.to_body());
        dialog.sent_invite = Some(invite.clone());
        let peer = dialog.peer;
        drop(dialog);
        self.wire.send_until_answered(&invite, peer);
    }

    fn request(&self, dialog: &mut Dialog, method: &str) -> Message {
        dialog.sequence += 1;
        let sequence = dialog.sequence;
        self.request_at(dialog, method, sequence)
    }

    fn request_at(&self, dialog: &Dialog, method: &str, sequence: u32) -> Message {
        Message::request(method, &dialog.target)
            .with("Via", format!("SIP/2.0/UDP {};rport;branch=z9hG4bK{}", self.wire.local, self.wire.unique()))
            .with("Max-Forwards", "70")
            .with("From", dialog.local.clone())
            .with("To", dialog.remote.clone())
            .with("Call-ID", self.id.clone())
            .with("CSeq", format!("{sequence} {method}"))
            .with("Contact", self.wire.contact())
            .with("Allow", ALLOWED)
    }

    /// Sends a request in the dialog and gives its sequence number.
    fn ask(&self, method: &str, complete: impl FnOnce(Message) -> Message) -> u32 {
        let mut dialog = locked(&self.dialog);
        let message = complete(self.request(&mut dialog, method));
        let (peer, sequence) = (dialog.peer, dialog.sequence);
        drop(dialog);
        self.wire.send_until_answered(&message, peer);
        sequence
    }

    fn respond(&self, request: &Message, response: Message) {
        let mut dialog = locked(&self.dialog);
        let peer = dialog.peer;
        dialog.given.insert((request.method().into(), request.sequence()), response.clone());
        drop(dialog);
        self.wire.send(&response, peer);
    }

    fn happened(&self, event: CallEvent) {
        locked(&self.dialog).events.push((Instant::now(), event));
        self.changed.notify_all();
    }

    // What the host answers.

    pub(super) fn take_response(&self, response: &Message) {
        let Some(status) = response.status() else { return };
        let (method, sequence) = (response.method().to_owned(), response.sequence());
        if method != "INVITE" {
            if status >= 200 {
                self.wire.answered(&self.id, sequence, &method);
                self.happened(CallEvent::Response(method, status));
            }
            return;
        }
        self.wire.answered(&self.id, sequence, "INVITE");
        let mut dialog = locked(&self.dialog);
        let first = !dialog.has(|event| *event == CallEvent::Answered);
        if (101..300).contains(&status)
            && let Some(tag) = remote_tag(response.header("to"))
        {
            dialog.remote = response.header("to").unwrap_or("").to_owned();
            dialog.remote_tag = Some(tag);
            if let Some(contact) = response.header("contact") {
                dialog.target = uri_of(contact).to_owned();
            }
        }
        let agreed = Description::parse(&response.body).filter(|_| status < 300);
        match status {
            100 => {}
            101..200 => {
                if let Some(answer) = agreed {
                    self.agree(&mut dialog, &answer);
                }
                dialog.events.push((Instant::now(), CallEvent::Provisional(status)));
            }
            200..300 => {
                let peer = dialog.peer;
                let acknowledgement = self.request_at(&dialog, "ACK", sequence);
                if dialog.acknowledged < sequence {
                    dialog.acknowledged = sequence;
                    dialog.sent_invite = None;
                    if let Some(answer) = agreed {
                        self.agree(&mut dialog, &answer);
                    }
                    let event = if first { CallEvent::Answered } else { CallEvent::Response("INVITE".into(), status) };
                    dialog.events.push((Instant::now(), event));
                }
                drop(dialog);
                self.wire.send(&acknowledgement, peer);
            }
            _ => {
                let Some(invite) = dialog.sent_invite.take() else { return };
                let mut acknowledgement = self.request_at(&dialog, "ACK", sequence);
                // RFC 3261 17.1.1.3: the request URI, Via and To of what is acknowledged.
                acknowledgement.start = match &invite.start {
                    Start::Request(_, uri) => Start::Request("ACK".into(), uri.clone()),
                    Start::Response(..) => return,
                };
                for (name, value) in &mut acknowledgement.headers {
                    match name.as_str() {
                        "Via" => *value = invite.header("via").unwrap_or("").into(),
                        "To" => *value = response.header("to").unwrap_or("").into(),
                        _ => {}
                    }
                }
                let event =
                    if first { CallEvent::Refused(status) } else { CallEvent::Response("INVITE".into(), status) };
                dialog.events.push((Instant::now(), event));
                let peer = dialog.peer;
                drop(dialog);
                self.wire.send(&acknowledgement, peer);
            }
        }
        self.changed.notify_all();
    }

    /// Media as both sides agreed: their address, their payload type, and who may send.
    fn agree(&self, dialog: &mut Dialog, theirs: &Description) {
        let Some(&(payload_type, codec)) = theirs.codecs.iter().find(|(_, codec)| dialog.codecs.contains(codec)) else {
            return;
        };
        dialog.agreed = Some(codec);
        self.media.connect(theirs.address, codec, payload_type);
        self.media.may_send(theirs.direction.receives() && dialog.direction == Direction::SendRecv);
    }

    // What the host asks.

    pub(super) fn take_request(&self, request: &Message, from: SocketAddr) {
        let key = (request.method().to_owned(), request.sequence());
        let mut dialog = locked(&self.dialog);
        dialog.peer = from;
        if let Some(given) = dialog.given.get(&key).cloned() {
            drop(dialog);
            self.wire.send(&given, from);
            return;
        }
        let tag = dialog.local_tag.clone();
        drop(dialog);
        match request.method() {
            "ACK" => self.take_acknowledgement(request),
            "INVITE" => self.take_reinvite(request),
            "BYE" => {
                self.respond(request, Message::response(request, 200, "OK", &tag));
                self.media.may_send(false);
                self.wire.forget(&self.id);
                self.happened(CallEvent::Ended);
            }
            "CANCEL" => {
                self.respond(request, Message::response(request, 200, "OK", &tag));
                let open = locked(&self.dialog).open_invite.take();
                if let Some(invite) = open {
                    self.final_refusal(&invite, 487, "Request Terminated");
                    self.happened(CallEvent::Ended);
                }
            }
            "NOTIFY" => {
                self.respond(request, Message::response(request, 200, "OK", &tag));
                self.happened(CallEvent::Notified(request.body.clone()));
            }
            "INFO" => {
                self.respond(request, Message::response(request, 200, "OK", &tag));
                self.happened(CallEvent::Info(request.body.clone()));
            }
            "OPTIONS" => self.respond(request, Message::response(request, 200, "OK", &tag).with("Allow", ALLOWED)),
            _ => self.respond(request, Message::response(request, 501, "Not Implemented", &tag)),
        }
    }

    fn take_acknowledgement(&self, request: &Message) {
        self.wire.answered(&self.id, request.sequence(), "INVITE");
        let mut dialog = locked(&self.dialog);
        if let Some(answer) = Description::parse(&request.body) {
            self.agree(&mut dialog, &answer);
        }
        let standing = dialog.has(|event| *event == CallEvent::Answered);
        if !standing && dialog.given_final("INVITE", request.sequence()) {
            dialog.events.push((Instant::now(), CallEvent::Answered));
        }
        drop(dialog);
        self.changed.notify_all();
    }

    fn take_reinvite(&self, request: &Message) {
        let description = Description::parse(&request.body);
        let mut dialog = locked(&self.dialog);
        let tag = dialog.local_tag.clone();
        let Some(response) = self.described(&mut dialog, request, 200, "OK") else {
            drop(dialog);
            self.respond(request, Message::response(request, 488, "Not Acceptable Here", &tag));
            return;
        };
        let peer = dialog.peer;
        dialog.given.insert(("INVITE".into(), request.sequence()), response.clone());
        let direction = description.map_or(Direction::SendRecv, |description| description.direction);
        dialog.events.push((Instant::now(), CallEvent::Reinvited(direction)));
        drop(dialog);
        self.wire.send_until_answered(&response, peer);
        self.changed.notify_all();
    }

    /// A response to an INVITE with our answer to its offer, or our offer where it has none.
    fn described(&self, dialog: &mut Dialog, invite: &Message, status: u16, reason: &str) -> Option<Message> {
        dialog.version += 1;
        let (port, time) = (self.media.port(), self.plan.packet_time());
        let ours = match Description::parse(&invite.body) {
            Some(offer) => {
                let answer = offer.answer(port, &dialog.codecs, offer.packet_time.unwrap_or(time), dialog.version)?;
                self.agree(dialog, &offer);
                answer
            }
            None => Description::offer(port, &dialog.codecs, time, dialog.direction, dialog.version),
        };
        let response = Message::response(invite, status, reason, &dialog.local_tag)
            .with("Contact", self.wire.contact())
            .with("Allow", ALLOWED)
            .with_body("application/sdp", ours.to_body());
        Some(response)
    }

    fn final_refusal(&self, invite: &Message, status: u16, reason: &str) {
        let tag = locked(&self.dialog).local_tag.clone();
        self.respond(invite, Message::response(invite, status, reason, &tag));
    }
}

impl Dialog {
    fn has(&self, wanted: impl Fn(&CallEvent) -> bool) -> bool {
        self.events.iter().any(|(_, event)| wanted(event))
    }

    fn given_final(&self, method: &str, sequence: u32) -> bool {
        self.given
            .get(&(method.to_owned(), sequence))
            .and_then(Message::status)
            .is_some_and(|s| (200..300).contains(&s))
    }
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
        let until = Instant::now() + limit;
        let mut dialog = locked(&self.inner.dialog);
        loop {
            if let Some(found) = dialog.events.iter().find_map(|(_, event)| wanted(event)) {
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

    fn wait_response(&self, method: &str) -> Proof<u16> {
        self.wait(&format!("for a response to {method}"), Duration::from_secs(10), |event| event.response_to(method))
    }

    fn responses(&self, method: &str) -> Vec<u16> {
        let dialog = locked(&self.inner.dialog);
        dialog.events.iter().filter_map(|(_, event)| event.response_to(method)).collect()
    }

    /// Describes the session anew and waits for the answer.
    fn reinvite(&self, direction: Direction, codecs: Option<&[Codec]>) -> Proof {
        let before = self.responses("INVITE").len();
        {
            let mut dialog = locked(&self.inner.dialog);
            dialog.direction = direction;
            if let Some(codecs) = codecs {
                dialog.codecs = codecs.to_vec();
            }
        }
        self.inner.invite();
        let until = Instant::now() + Duration::from_secs(10);
        let mut dialog = locked(&self.inner.dialog);
        loop {
            match dialog.events.iter().filter_map(|(_, event)| event.response_to("INVITE")).nth(before) {
                Some(status) if status < 300 => return Ok(()),
                Some(status) => broken!("the host refused a re-INVITE with {status}"),
                None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                broken!("no answer to a re-INVITE");
            }
            dialog = match self.inner.changed.wait_timeout(dialog, left) {
                Ok((dialog, _)) => dialog,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Puts the other side on hold (`sendonly`, and we send nothing).
    pub fn hold(&self) -> Proof {
        self.reinvite(Direction::SendOnly, None)
    }

    /// Takes the other side back.
    pub fn unhold(&self) -> Proof {
        self.reinvite(Direction::SendRecv, None)
    }

    /// Goes on with another codec.
    pub fn change_codec(&self, codec: Codec) -> Proof {
        self.reinvite(Direction::SendRecv, Some(&[codec]))?;
        if self.codec() != Some(codec) {
            broken!("the host did not take {codec:?}");
        }
        Ok(())
    }

    /// Blind transfer: the other side is sent to `user` at the host.
    pub fn transfer_to(&self, user: &str) -> Proof {
        let peer = locked(&self.inner.dialog).peer;
        self.refer(&format!("<sip:{user}@{peer}>"))
    }

    /// Attended transfer: the other side of this call and that of `consultation` are joined.
    pub fn transfer_into(&self, consultation: &Call) -> Proof {
        let (target, replaces) = {
            let other = locked(&consultation.inner.dialog);
            let Some(remote_tag) = other.remote_tag.clone() else { broken!("the consultation was never answered") };
            let replaces = format!("{}%3Bto-tag%3D{remote_tag}%3Bfrom-tag%3D{}", consultation.id(), other.local_tag);
            (other.target.clone(), replaces)
        };
        self.refer(&format!("<{target}?Replaces={replaces}>"))
    }

    fn refer(&self, target: &str) -> Proof {
        let wire = &self.inner.wire;
        self.inner.ask("REFER", |m| m.with("Refer-To", target).with("Referred-By", wire.contact()));
        let status = self.wait_response("REFER")?;
        if !(200..300).contains(&status) {
            broken!("the host refused a transfer with {status}");
        }
        Ok(())
    }

    /// Sends a digit by INFO (`application/dtmf-relay`).
    pub fn press_by_info(&self, digit: char) -> Proof {
        self.inner.ask("INFO", |message| {
            message.with_body("application/dtmf-relay", format!("Signal={digit}\r\nDuration=100\r\n"))
        });
        self.wait_response("INFO").map(drop)
    }

    /// Asks what the other side can, as monitors do.
    pub fn ask_options(&self) -> Proof<u16> {
        self.inner.ask("OPTIONS", |message| message);
        self.wait_response("OPTIONS")
    }
}
