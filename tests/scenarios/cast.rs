//! Who is there: a host with the recorder in it, an outside caller, two people of the company.
use std::sync::Mutex;
use std::time::{Duration, Instant};

use callvault_test_support::callvault::Vault;
use callvault_test_support::clock::unix_ms;
use callvault_test_support::codec::Codec;
use callvault_test_support::freeswitch::{Configuration, Instance};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan, UserAgent};
use callvault_test_support::suite::Stage;
use callvault_test_support::{Proof, promise};

/// Long enough for anything that happens at once.
pub const SOON: Duration = Duration::from_secs(15);

/// The outside party's number, and those of the company's people.
pub const OUTSIDE: &str = "0612345678";
/// See [`OUTSIDE`].
pub const INSIDE: [&str; 2] = ["2001", "2002"];

/// The parties and their host.
pub struct Cast {
    /// The host, with the module loaded.
    pub host: Instance,
    /// The recorder's directory and its people's keys.
    pub vault: Vault,
    /// From outside.
    pub caller: UserAgent,
    /// The company's.
    pub agent: UserAgent,
    /// The company's second.
    pub third: UserAgent,
    commanded: Mutex<Vec<(i64, String)>>,
}

/// The parties before their host starts: its configuration may name them.
pub struct Casting {
    /// The recorder's directory; its policy may still be changed.
    pub vault: Vault,
    /// The host's configuration: extensions of the agent's and the third's names ring them.
    pub configuration: Configuration,
    /// From outside.
    pub caller: UserAgent,
    /// The company's.
    pub agent: UserAgent,
    /// The company's second.
    pub third: UserAgent,
}

impl Casting {
    /// A recorder that takes outside parties as told by other means, so that calls begin without a prompt.
    pub fn new(stage: &Stage) -> Proof<Self> {
        let vault = Vault::init(stage.directory())?
            .with("company-numbers", r"^2\d{3}$")
            .with("record-internal", "true")
            // A test's prompts are tones: what they say is no promise here.
            .with("prompt-manifests", "optional")
            .with("uninformed", "record");
        let (caller, agent, third) =
            (UserAgent::start(OUTSIDE)?, UserAgent::start(INSIDE[0])?, UserAgent::start(INSIDE[1])?);
        let configuration = Configuration::new().bridging_to(&agent).bridging_to(&third).user(&agent).user(&third);
        Ok(Self { vault, configuration, caller, agent, third })
    }

    /// With another policy.
    #[must_use]
    pub fn policy(mut self, tune: impl FnOnce(Vault) -> Vault) -> Self {
        self.vault = tune(self.vault);
        self
    }

    /// With one extension more.
    #[must_use]
    pub fn extension(mut self, number: &str, applications: &[(&str, &str)]) -> Self {
        self.configuration = self.configuration.extension(number, applications);
        self
    }

    /// Starts the host and loads the module.
    pub fn start(self, stage: &Stage) -> Proof<Cast> {
        let cast = self.start_without_module(stage)?;
        cast.load()?;
        Ok(cast)
    }

    /// Starts the host and leaves the module where it lies.
    pub fn start_without_module(self, stage: &Stage) -> Proof<Cast> {
        let configuration = self.vault.installed(self.configuration);
        let host = stage.start(&configuration)?;
        let Self { vault, caller, agent, third, .. } = self;
        Ok(Cast { host, vault, caller, agent, third, commanded: Mutex::default() })
    }
}

impl Cast {
    /// The usual cast on a host of this trial's.
    pub fn on(stage: &Stage) -> Proof<Self> {
        Casting::new(stage)?.start(stage)
    }

    /// `load mod_callvault`.
    pub fn load(&self) -> Proof {
        self.host.must("load mod_callvault")?;
        let exists = self.host.api("module_exists mod_callvault")?;
        promise!(exists.trim() == "true", "`module_exists mod_callvault` says {exists}");
        Ok(())
    }

    /// A command of an operator's that must answer `+OK`; a replay gives it too.
    pub fn command(&self, command: &str) -> Proof {
        self.commanded.lock().map_err(|_| "a trial panicked")?.push((unix_ms(Instant::now()), command.to_owned()));
        self.host.must(command).map(drop)
    }

    /// All of [`Cast::command`], in order.
    pub fn commanded(&self) -> Vec<(i64, String)> {
        self.commanded.lock().map(|commanded| commanded.clone()).unwrap_or_default()
    }

    /// The caller rings an extension.
    pub fn dial(&self, extension: &str, plan: CallPlan) -> Proof<Call> {
        let call = self.caller.call(extension, self.host.sip_port(), plan)?;
        call.wait_answered(SOON)?;
        Ok(call)
    }

    /// The caller rings the agent, who picks up at once; both are silent.
    pub fn bridged(&self, caller: CallPlan, agent: CallPlan) -> Proof<(Call, Call)> {
        self.bridged_by(self.agent.name(), caller, agent)
    }

    /// The same by another extension that rings the agent.
    pub fn bridged_by(&self, extension: &str, caller: CallPlan, agent: CallPlan) -> Proof<(Call, Call)> {
        self.agent.answering(Answering::AtOnce, agent);
        let out = self.caller.call(extension, self.host.sip_port(), caller)?;
        let into = self.agent.incoming(SOON)?;
        into.wait_answered(SOON)?;
        out.wait_answered(SOON)?;
        Ok((out, into))
    }

    /// Waits until a queue has joined these two, whichever of the legs the host says it of.
    pub fn wait_bridged(&self, one: &Call, other: &Call) -> Proof {
        let bridged = |call: &Call| self.host.wait_leg(call.id(), "CHANNEL_BRIDGE", SOON).map(drop);
        bridged(one).or_else(|_| bridged(other))
    }

    /// Waits until all legs are gone.
    pub fn wait_idle(&self) -> Proof {
        self.host.wait_idle(SOON)
    }

    /// No line of ours above debug level says who called (SEC-05).
    pub fn leaves_no_personal_data_in_its_log(&self) -> Proof {
        leaves_no_personal_data_in(&self.host.log())
    }
}

/// No line of ours above debug level says who called (SEC-05).
pub fn leaves_no_personal_data_in(log: &str) -> Proof {
    let telling =
        log.lines().filter(|line| is_ours(line) && !line.contains("[DEBUG]")).find(|line| line.contains(OUTSIDE));
    promise!(telling.is_none(), "the recorder logged a number: {telling:?}");
    Ok(())
}

/// Whether a line of the host's log is the module's: the host names the source that wrote it.
pub fn is_ours(line: &str) -> bool {
    line.contains(" mod_callvault:")
}

/// Nothing said yet.
pub fn silent() -> CallPlan {
    CallPlan::saying(Speech::Silence)
}

/// The same who understands what loopbacks offer, too: a loopback speaks L16, and offers what it speaks.
pub fn silent_to_loopbacks() -> CallPlan {
    silent().with_codecs(&[Codec::L16 { rate: 8_000 }, Codec::L16 { rate: 16_000 }, Codec::Pcmu])
}

/// Each party speaks alone, one after another, then all at once, with silence around all of it. The host throws away
/// the first moments of a leg, so nobody speaks into its answer.
pub fn converse(parties: &[(&Call, u32)]) -> Proof {
    let Some((first, _)) = parties.first() else { return Ok(()) };
    first.talk(Duration::from_millis(400))?;
    for (call, frequency) in parties {
        speak(call, *frequency, Duration::from_millis(700))?;
        call.talk(Duration::from_millis(300))?;
    }
    for (call, frequency) in parties {
        call.say(Speech::Tone(*frequency));
    }
    first.talk(Duration::from_millis(500))?;
    for (call, _) in parties {
        call.say(Speech::Silence);
    }
    first.talk(Duration::from_millis(300))
}

/// One party speaks for a while, then is silent.
pub fn speak(call: &Call, frequency: u32, length: Duration) -> Proof {
    call.say(Speech::Tone(frequency));
    call.talk(length)?;
    call.say(Speech::Silence);
    Ok(())
}

/// Each speaks until the other hears it.
pub fn hear_each_other(one: (&Call, u32), other: (&Call, u32)) -> Proof {
    for ((speaker, frequency), listener) in [(one, other.0), (other, one.0)] {
        speaker.say(Speech::Tone(frequency));
        speaker.talk(Duration::from_millis(300))?;
        listener.media().wait_heard(frequency, SOON)?;
        speaker.say(Speech::Silence);
        speaker.talk(Duration::from_millis(200))?;
    }
    Ok(())
}
