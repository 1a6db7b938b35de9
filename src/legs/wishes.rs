//! What a dialplan asks for by channel variables, as far as the policy lets it.
use callvault_recorder::controller::Observation;
use callvault_recorder::conversation::LegInput;
use callvault_recorder::policy::AskedFor;

use super::Leg;
use crate::ffi::session::Session;
use crate::module::Module;

/// Reads the leg's variables: at its birth where it is rung (a dial string has set them by then), at its answer and
/// before its notice. A loopback's wishes are those of whom it brings together. What is refused is said once.
pub fn read_wishes(module: &Module, session: Session<'_>, leg: &Leg) {
    let variable = |name| session.variable(name);
    let (exempt, mode, retention) =
        (variable(c"callvault_exempt"), variable(c"callvault_mode"), variable(c"callvault_retention"));
    let asked = AskedFor { exempt: exempt.as_deref(), mode: mode.as_deref(), retention: retention.as_deref() };
    let (wishes, refused) = module.recorder.policy().wishes(asked);
    if leg.wishes_change_to(&wishes) {
        module.recorder.tell(leg.key, LegInput::Wishes(Box::new(wishes)));
    }
    if !refused.is_empty() && leg.refuses_first_time() {
        for variable in refused {
            module.recorder.observe(leg.key, Observation::WishRefused { variable });
        }
    }
}
