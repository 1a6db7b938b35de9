//! A dialog: its transactions, what the host answers and asks in it, and the media that both sides agree on.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::agent::{Wire, locked, remote_tag};
use super::message::{Message, Start, uri_of};
use super::plan::{CallEvent, CallPlan};
use super::sdp::{Description, Direction};
use crate::Proof;
use crate::codec::Codec;
use crate::rtp::RtpSession;

const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER";

/// One call, shared by its handles and the agent's thread.
pub(super) struct CallInner {
    pub(super) wire: Arc<Wire>,
    pub(super) id: String,
    pub(super) media: RtpSession,
    plan: CallPlan,
    pub(super) dialog: Mutex<Dialog>,
    pub(super) changed: Condvar,
}

pub(super) struct Dialog {
    /// From's and To's values as we write them in our requests.
    local: String,
    pub(super) remote: String,
    pub(super) remote_tag: Option<String>,
    pub(super) local_tag: String,
    /// Their contact, the request URI of what we send in the dialog.
    pub(super) target: String,
    pub(super) peer: SocketAddr,
    sequence: u32,
    /// Our last INVITE, until it has its final response: for CANCEL and the ACK of a refusal.
    pub(super) sent_invite: Option<Message>,
    /// Their INVITE that waits for our final response.
    pub(super) open_invite: Option<Message>,
    /// Our last response to each of their requests, repeated when they repeat.
    pub(super) given: HashMap<(String, u32), Message>,
    /// The last INVITE of ours that was answered: its 200 may come again.
    acknowledged: u32,
    pub(super) codecs: Vec<Codec>,
    pub(super) direction: Direction,
    /// What the device says now of being recorded (`a=recordpref`).
    pub(super) prefers: Option<&'static str>,
    version: u32,
    pub(super) agreed: Option<Codec>,
    pub(super) events: Vec<(Instant, CallEvent)>,
}

/// Who speaks with whom in a dialog, as it begins.
struct Ends {
    local: String,
    remote: String,
    remote_tag: Option<String>,
    local_tag: String,
    target: String,
    peer: SocketAddr,
}

impl Dialog {
    /// Nothing was sent or received in it.
    fn between(ends: Ends, plan: &CallPlan) -> Self {
        let Ends { local, remote, remote_tag, local_tag, target, peer } = ends;
        Self {
            local,
            remote,
            remote_tag,
            local_tag,
            target,
            peer,
            sequence: 0,
            sent_invite: None,
            open_invite: None,
            given: HashMap::new(),
            acknowledged: 0,
            codecs: plan.codecs.clone(),
            direction: Direction::SendRecv,
            prefers: plan.prefers,
            version: 0,
            agreed: None,
            events: Vec::new(),
        }
    }
}

impl CallInner {
    pub(super) fn outgoing(wire: Arc<Wire>, user: &str, host: SocketAddr, plan: CallPlan) -> Proof<Arc<Self>> {
        let id = wire.unique_call();
        let local_tag = wire.unique();
        let from = plan.from.clone().unwrap_or_else(|| format!("<sip:{}@{}>", wire.name, wire.local));
        let target = format!("sip:{user}@{host}");
        let ends = Ends {
            local: format!("{from};tag={local_tag}"),
            remote: format!("<{target}>"),
            remote_tag: None,
            local_tag,
            target,
            peer: host,
        };
        let dialog = Dialog::between(ends, &plan);
        let media = RtpSession::open(plan.sending.clone())?;
        Ok(Arc::new(Self { wire, id, media, plan, dialog: Mutex::new(dialog), changed: Condvar::new() }))
    }

    pub(super) fn incoming(wire: Arc<Wire>, invite: &Message, from: SocketAddr, plan: CallPlan) -> Proof<Arc<Self>> {
        let local_tag = wire.unique();
        let remote = invite.header("from").unwrap_or("").to_owned();
        let target = invite.header("contact").map_or("", uri_of).to_owned();
        let ends = Ends {
            local: format!("{};tag={local_tag}", invite.header("to").unwrap_or("")),
            remote_tag: remote_tag(Some(&remote)),
            remote,
            local_tag: local_tag.clone(),
            target,
            peer: from,
        };
        let dialog = Dialog { sequence: 100, open_invite: Some(invite.clone()), ..Dialog::between(ends, &plan) };
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
            self.described_port(),
            &dialog.codecs,
            self.plan.packet_time(),
            dialog.direction,
            dialog.version,
        );
        let mut invite = self.request(&mut dialog, "INVITE");
        for (name, value) in &self.plan.headers {
            invite = invite.with(name, value);
        }
        let invite = invite.with_body("application/sdp", offer.to_body_preferring(dialog.prefers));
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
    pub(super) fn ask(&self, method: &str, complete: impl FnOnce(Message) -> Message) -> u32 {
        let mut dialog = locked(&self.dialog);
        let message = complete(self.request(&mut dialog, method));
        let (peer, sequence) = (dialog.peer, dialog.sequence);
        drop(dialog);
        self.wire.send_until_answered(&message, peer);
        sequence
    }

    pub(super) fn respond(&self, request: &Message, response: Message) {
        let mut dialog = locked(&self.dialog);
        let peer = dialog.peer;
        dialog.given.insert((request.method().into(), request.sequence()), response.clone());
        drop(dialog);
        self.wire.send(&response, peer);
    }

    pub(super) fn happened(&self, event: CallEvent) {
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
        let now = Instant::now();
        dialog.events.push((now, CallEvent::Reinvited(direction)));
        let shown = request.body.lines().filter_map(|line| line.trim_end().strip_prefix("a=record:"));
        dialog.events.extend(shown.map(|word| (now, CallEvent::Recording(word.into()))));
        drop(dialog);
        self.wire.send_until_answered(&response, peer);
        self.changed.notify_all();
    }

    /// A response to an INVITE with our answer to its offer, or our offer where it has none.
    fn described_port(&self) -> u16 {
        self.plan.described_port.unwrap_or_else(|| self.media.port())
    }

    pub(super) fn described(
        &self,
        dialog: &mut Dialog,
        invite: &Message,
        status: u16,
        reason: &str,
    ) -> Option<Message> {
        dialog.version += 1;
        let (port, time) = (self.described_port(), self.plan.packet_time());
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
            .with_body("application/sdp", ours.to_body_preferring(dialog.prefers));
        Some(response)
    }

    pub(super) fn final_refusal(&self, invite: &Message, status: u16, reason: &str) {
        let tag = locked(&self.dialog).local_tag.clone();
        self.respond(invite, Message::response(invite, status, reason, &tag));
    }
}

impl Dialog {
    pub(super) fn has(&self, wanted: impl Fn(&CallEvent) -> bool) -> bool {
        self.events.iter().any(|(_, event)| wanted(event))
    }

    fn given_final(&self, method: &str, sequence: u32) -> bool {
        self.given
            .get(&(method.to_owned(), sequence))
            .and_then(Message::status)
            .is_some_and(|s| (200..300).contains(&s))
    }
}
