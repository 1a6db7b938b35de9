//! A host with the recorder in it, whichever it is, for promises about the recorder itself: they need a call, not what
//! its parties do.
use std::path::Path;
use std::time::{Duration, Instant};

use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::freeswitch::{Configuration, Process};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::Call;
use callvault_test_support::stand_in::{Replay, StandIn};
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};
use crate::taken::Taken;

/// The call that the stand-in replays.
const CALL: &str = "answered_inbound";

/// A call has begun by then, and nobody has spoken yet.
const BEGUN: Duration = Duration::from_millis(300);

/// Where a trial is.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// A real host is here.
    Real(&'a Stage),
    /// The one that stands in.
    StandIn(&'a Path),
}

/// A trial on each host.
pub fn on_both(name: &'static str, act: impl Fn(Place<'_>) -> Proof + Clone + Send + 'static) -> [Trial; 2] {
    let real = act.clone();
    [
        on_freeswitch(name, move |stage| real(Place::Real(stage))),
        on_stand_in(name, &Taken::of(CALL).files(), move |directory| act(Place::StandIn(directory))),
    ]
}

impl Place<'_> {
    /// The trial's own directory.
    pub fn directory(&self) -> &Path {
        match self {
            Self::Real(stage) => stage.directory(),
            Self::StandIn(directory) => directory,
        }
    }

    /// A host with the module where `load` finds it, and the policy of a [`Casting`] tuned.
    pub fn open(&self, tune: impl FnOnce(Vault) -> Vault) -> Proof<House> {
        match self {
            Self::Real(stage) => {
                Ok(House::Real(Box::new(Casting::new(stage)?.policy(tune).start_without_module(stage)?)))
            }
            Self::StandIn(directory) => {
                let vault = tune(Taken::of(CALL).vault(directory)?);
                let host = StandIn::start(&vault.installed(Configuration::new()), &directory.join("host"))?;
                Ok(House::StandIn(Box::new((host, vault))))
            }
        }
    }

    /// The same with the module loaded.
    pub fn open_loaded(&self, tune: impl FnOnce(Vault) -> Vault) -> Proof<House> {
        let house = self.open(tune)?;
        house.load()?;
        Ok(house)
    }
}

/// A running host and the recorder's directory.
pub enum House {
    /// With parties who can call.
    Real(Box<Cast>),
    /// With a trace.
    StandIn(Box<(StandIn, Vault)>),
}

/// A call from outside that is under way.
pub enum Under {
    /// A party's.
    Real(Call),
    /// A trace's.
    StandIn(Replay),
}

impl Commands for House {
    fn api(&self, command: &str) -> Proof<String> {
        match self {
            Self::Real(cast) => cast.host.api(command),
            Self::StandIn(own) => own.0.api(command),
        }
    }
}

impl House {
    /// The recorder's directory and its people's keys.
    pub fn vault(&self) -> &Vault {
        match self {
            Self::Real(cast) => &cast.vault,
            Self::StandIn(own) => &own.1,
        }
    }

    /// A command that must answer `+OK`.
    pub fn must(&self, command: &str) -> Proof<String> {
        match self {
            Self::Real(cast) => cast.host.must(command),
            Self::StandIn(own) => own.0.must(command),
        }
    }

    /// `unload mod_callvault`, which the module's own thread may refuse for a moment after the last leg's end.
    pub fn unload(&self) -> Proof {
        let until = Instant::now() + SOON;
        while let Err(failed) = self.must("unload mod_callvault") {
            if Instant::now() >= until {
                return Err(failed);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        promise!(!self.has_module()?, "an unloaded module is gone");
        Ok(())
    }

    /// `load mod_callvault`.
    pub fn load(&self) -> Proof {
        self.must("load mod_callvault")?;
        promise!(self.has_module()?, "a loaded module is there");
        Ok(())
    }

    /// What `module_exists` says.
    pub fn has_module(&self) -> Proof<bool> {
        Ok(self.api("module_exists mod_callvault")?.trim() == "true")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        match self {
            Self::Real(cast) => cast.host.log(),
            Self::StandIn(own) => own.0.log(),
        }
    }

    /// Where everything of it lies.
    pub fn directory(&self) -> &Path {
        match self {
            Self::Real(cast) => cast.host.directory(),
            Self::StandIn(own) => own.0.directory(),
        }
    }

    /// Its process.
    pub fn process(&self) -> Process {
        match self {
            Self::Real(cast) => cast.host.process(),
            Self::StandIn(own) => own.0.process(),
        }
    }

    /// A caller speaks for some seconds, is answered by nobody but the host, and hangs up.
    pub fn call(&self) -> Proof {
        self.begin_call()?.end()?;
        match self {
            Self::Real(cast) => cast.wait_idle(),
            Self::StandIn(_) => Ok(()),
        }
    }

    /// A call is a call: answered, and heard. A trace's is at least borne.
    pub fn goes_on(&self) -> Proof {
        match self {
            Self::Real(cast) => {
                let call = cast.dial("echo", silent())?;
                call.say(Speech::Tone(CALLER));
                call.media().wait_heard(CALLER, SOON)?;
                call.hang_up()
            }
            Self::StandIn(_) => self.call(),
        }
    }

    /// The beginning of such a call: answered.
    pub fn begin_call(&self) -> Proof<Under> {
        match self {
            Self::Real(cast) => {
                let call = cast.dial("park", silent())?;
                call.talk(BEGUN)?;
                Ok(Under::Real(call))
            }
            Self::StandIn(own) => {
                let replay = own.0.replay(&Taken::of(CALL).trace(), &[])?;
                // A trace tells nobody of its answer, which comes within milliseconds.
                std::thread::sleep(BEGUN);
                Ok(Under::StandIn(replay))
            }
        }
    }
}

impl Under {
    /// The caller speaks, and hangs up.
    pub fn end(self) -> Proof {
        match self {
            Self::Real(call) => {
                converse(&[(&call, CALLER)])?;
                call.hang_up()
            }
            Self::StandIn(replay) => replay.wait(),
        }
    }
}
