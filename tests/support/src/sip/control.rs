//! What a party does to a call that stands: hold, another codec, transfers, keys.
use std::time::{Duration, Instant};

use super::agent::locked;
use super::call::Call;
use super::sdp::Direction;
use crate::codec::Codec;
use crate::{Proof, broken};

impl Call {
    /// Describes the session anew and waits for the answer. Where the host was about to do the same, once more a little
    /// later (RFC 3261, 14.1).
    fn reinvite(&self, direction: Direction, codecs: Option<&[Codec]>) -> Proof {
        for _ in 0..5 {
            match self.described_anew(direction, codecs)? {
                200..300 => return Ok(()),
                491 => self.talk(Duration::from_millis(300))?,
                status => broken!("the host refused a re-INVITE with {status}"),
            }
        }
        broken!("the host goes on describing the session anew")
    }

    fn described_anew(&self, direction: Direction, codecs: Option<&[Codec]>) -> Proof<u16> {
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
            if let Some(status) = dialog.events.iter().filter_map(|(_, event)| event.response_to("INVITE")).nth(before)
            {
                return Ok(status);
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

    /// Its device says this of being recorded from now on.
    pub fn prefer(&self, preference: &'static str) -> Proof {
        locked(&self.inner.dialog).prefers = Some(preference);
        self.reinvite(Direction::SendRecv, None)
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

    /// Presses keys by RFC 4733, one after another as a hand does; when the last one's end went out.
    pub fn press(&self, keys: &str) -> Proof<Instant> {
        let mut last = Instant::now();
        for key in keys.chars() {
            last = self.inner.media.press(key, Duration::from_secs(5))?;
            self.inner.media.wait_said(Duration::from_millis(120))?;
        }
        Ok(last)
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
