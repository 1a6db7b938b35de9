//! REC-07: what sounds before the answer is no conversation and is not kept; the answer comes when the callee gives it.
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::CallEvent;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::each_on_its_own_track;
use crate::promise::{Account, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([Promise { name: "early_media_then_answer", act: early, judge: each_on_its_own_track }])
}

fn early(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let out = cast.caller.call(cast.agent.name(), cast.host.sip_port(), silent())?;
    let into = cast.agent.incoming(SOON)?;
    into.say(Speech::Tone(AGENT));
    into.early_media()?;
    out.media().wait_heard(AGENT, SOON)?;
    into.talk(Duration::from_secs(1))?;
    promise!(
        !out.events().contains(&CallEvent::Answered),
        "the host answered before the agent did: {:?}",
        out.events()
    );
    into.say(Speech::Silence);
    into.talk(Duration::from_millis(200))?;
    into.answer()?;
    into.wait_answered(SOON)?;
    out.wait_answered(SOON)?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
