//! Telling: a prompt that the oracle knows, lines that tell, what a party heard of it, what the host said of it.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use callvault_test_support::callvault::Vault;
use callvault_test_support::clock::unix_ms;
use callvault_test_support::freeswitch::Event;
use callvault_test_support::intervals::{Interval, joined, listed};
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{THIRD, intervals_within, tone_sample};
use callvault_test_support::{Proof, promise};

use crate::cast::{Cast, Casting, SOON, silent};

/// The prompt's tone, Hz, and its length.
pub const PROMPT: u32 = 700;
/// See [`PROMPT`].
pub const PROMPT_MS: i64 = 2_000;

/// How far below a full tone the prompt still counts as heard, dB: others' tones beside it stay below that.
const PLAINLY_DB: f64 = 26.0;

/// How long the prompt is that says that recording has stopped.
pub const STOPPED_MS: i64 = 700;

/// A longer one, whose last hundredth is longer than what a machine's hiccups are.
pub const LONG_PROMPT_MS: i64 = 10_000;

/// A tone of two seconds as the prompt.
pub fn prompt(within: &Path) -> Proof<PathBuf> {
    tone(within.join("notice.wav"), PROMPT, PROMPT_MS)
}

/// One of ten seconds.
pub fn long_prompt(within: &Path) -> Proof<PathBuf> {
    tone(within.join("long-notice.wav"), PROMPT, LONG_PROMPT_MS)
}

/// Every prompt that a kept policy may name.
pub fn all_prompts(within: &Path) -> Proof {
    prompt(within)?;
    long_prompt(within)?;
    stopped(within)?;
    dutch(within).map(drop)
}

/// What says that recording has stopped.
pub fn stopped(within: &Path) -> Proof<PathBuf> {
    tone(within.join("stopped.wav"), THIRD, STOPPED_MS)
}

/// The notice in another language.
pub fn dutch(within: &Path) -> Proof<PathBuf> {
    tone(within.join("notice-nl.wav"), THIRD, PROMPT_MS)
}

/// A tone as a prompt's file.
pub fn tone(file: PathBuf, frequency: u32, length_ms: i64) -> Proof<PathBuf> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&file, spec)?;
    for index in 0..length_ms as u64 * 8 {
        writer.write_sample(tone_sample(frequency, 8_000, index))?;
    }
    writer.finalize()?;
    Ok(file)
}

/// The usual parties under a policy that tells, with these parameters besides. The extension `line` answers, tells, and
/// rings the agent.
pub fn telling(stage: &Stage, parameters: &[(&str, &str)]) -> Proof<Casting> {
    let prompt = prompt(stage.directory())?;
    let tell = |vault: Vault| {
        let told = vault.with("uninformed", "play").with("default-language", "en");
        let told = told.with_notice(&prompt.to_string_lossy(), "en");
        parameters.iter().fold(told, |vault, (name, value)| vault.with(name, value))
    };
    let casting = Casting::new(stage)?.policy(tell);
    let dial = casting.agent.dial_string();
    Ok(casting.extension("line", &[("answer", ""), ("callvault_notice", ""), ("bridge", &dial)]))
}

/// The caller rings the line and is told; the agent picks up. Both are silent.
pub fn told_and_joined(cast: &Cast) -> Proof<(Call, Call)> {
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    Ok((out, into))
}

/// The host rings `first` and, when it picked up, joins it with `second`, who hears the notice before that.
pub fn placed(cast: &Cast, first: CallPlan, second: CallPlan) -> Proof<(Call, Call)> {
    cast.agent.answering(Answering::AtOnce, first);
    cast.caller.answering(Answering::AtOnce, second);
    let job = format!("bgapi originate {} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string());
    cast.host.must(&job)?;
    let (into, out) = (cast.agent.incoming(SOON)?, cast.caller.incoming(SOON)?);
    into.wait_answered(SOON)?;
    out.wait_answered(SOON)?;
    Ok((out, into))
}

/// Waits until the prompt was heard, whole and in one piece; when, in Unix ms.
pub fn heard_whole(call: &Call) -> Proof<Interval> {
    call.media().wait_heard(PROMPT, SOON)?;
    call.talk(Duration::from_millis(PROMPT_MS as u64 + 300))?;
    let heard = call.heard()?;
    let zero = unix_ms(heard.started);
    // Others may be heard right behind it.
    let prompt = joined(&intervals_within(PLAINLY_DB, &heard.samples, heard.rate, PROMPT), 40);
    promise!(prompt.len() == 1, "the prompt is heard once, whole: {}", listed(&prompt));
    promise!((prompt[0].length() - PROMPT_MS).abs() <= 60, "{PROMPT_MS} ms of prompt are due: {}", listed(&prompt));
    Ok(prompt[0].seen_from(-zero))
}

/// Waits until the prompt is heard; when it began.
pub fn begins(call: &Call) -> Proof<Instant> {
    call.media().wait_heard(PROMPT, SOON)?;
    let heard = call.heard()?;
    let from = heard.audible(PROMPT).first().map_or(0, |prompt| prompt.from);
    Ok(heard.started + Duration::from_millis(from.max(0) as u64))
}

/// Nothing of the prompt was heard in this call (NOT-08, REC-10).
pub fn never_told(call: &Call) -> Proof {
    let heard = call.heard()?;
    let prompt = intervals_within(PLAINLY_DB, &heard.samples, heard.rate, PROMPT);
    promise!(prompt.is_empty(), "no prompt is due; it was heard {}", listed(&prompt));
    Ok(())
}

/// Waits for an event of ours.
pub fn ours(cast: &Cast, subclass: &str) -> Proof<Event> {
    let is =
        |event: &Event| event.name() == "CUSTOM" && event.header("Event-Subclass") == format!("callvault::{subclass}");
    cast.host.events().wait_for(&format!("callvault::{subclass}"), SOON, is)
}

/// Waits for an alarm of ours of this code.
pub fn alarm(cast: &Cast, code: &str) -> Proof<Event> {
    alarm_within(cast, code, SOON)
}

/// The same with another limit.
pub fn alarm_within(cast: &Cast, code: &str, limit: Duration) -> Proof<Event> {
    let is = |event: &Event| {
        event.header("Event-Subclass") == "callvault::alarm" && event.header("Callvault-code").contains(code)
    };
    cast.host.events().wait_for(&format!("an alarm of {code}"), limit, is)
}

/// How many bytes lie in the recorder's store.
pub fn stored(vault: &Vault) -> Proof<u64> {
    fn below(directory: &Path) -> Proof<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            // A file may be gone between the list and the look.
            bytes += if path.is_dir() { below(&path)? } else { path.metadata().map_or(0, |data| data.len()) };
        }
        Ok(bytes)
    }
    below(&vault.data().join("segments"))
}

/// Waits until the store has something, or nothing.
pub fn wait_stored(vault: &Vault, some: bool, limit: Duration) -> Proof {
    wait_stored_as(vault, |bytes| (bytes > 0) == some, limit)
}

/// Waits until the store has as many bytes as wanted.
pub fn wait_stored_as(vault: &Vault, wanted: impl Fn(u64) -> bool, limit: Duration) -> Proof {
    let until = Instant::now() + limit;
    while !wanted(stored(vault)?) {
        promise!(Instant::now() < until, "after {limit:?} the store has {} bytes", stored(vault)?);
        // A directory tells nobody of its files: looked at again after a while.
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
