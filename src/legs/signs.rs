//! What the host says of a leg at its birth that tells whose party it is: read once, before anybody speaks.
//!
//! Nothing here is read from what the far end can write. mod_sofia gives a leg `sip_auth_username` where digest
//! authentication succeeded and `acl_token` where an ACL's entry names a user; `user_name` is then the directory's. Alone it
//! proves nothing: `accept-blind-auth` takes it from From. `sip_authorized` is set for whatever an ACL lets in. Headers
//! become variables under names of their own (`sip_h_…`), but for one: `X-FS-Channel-Name` names the channel. So the name of
//! a leg that rings in says nothing either.
use std::ffi::CStr;
use std::net::IpAddr;

use callvault_recorder::conversation::{Direction, Personal};
use callvault_recorder::policy::{BornFor, LegSigns, User, Way};

use super::Leg;
use super::uri::Uri;
use crate::ffi::session::Session;

/// What was read.
pub struct Signs {
    pub direction: Direction,
    /// Name and domain.
    pub user: Option<(String, String)>,
    pub personal: Personal,
    profile: String,
    gateway: String,
    address: Option<IpAddr>,
}

impl Signs {
    pub fn of(session: Session<'_>) -> Self {
        let variable = |name: &CStr| session.variable(name).unwrap_or_default();
        let direction = session.direction();
        let (user, profile, gateway, address) = match direction {
            Direction::Inbound => {
                let endpoint = variable(c"source");
                let profile = match endpoint.strip_prefix("mod_") {
                    None | Some("sofia") => variable(c"sofia_profile_name"),
                    Some(other) => other.to_owned(),
                };
                let address =
                    [c"sip_network_ip", c"network_addr"].into_iter().find_map(|name| variable(name).parse().ok());
                (who_rings(session, &endpoint), profile, variable(c"sip_gateway"), address)
            }
            Direction::Outbound => {
                let profile = profile_in(&String::from_utf8_lossy(&session.name())).to_owned();
                let address = Uri::read(&variable(c"sip_destination_url")).address();
                let by_route = !variable(c"sip_route_uri").is_empty();
                (who_is_rung(session), profile, variable(c"sip_gateway_name"), address.filter(|_| !by_route))
            }
        };
        Self {
            direction,
            user,
            personal: Personal {
                caller_number: variable(c"caller_id_number"),
                caller_name: variable(c"caller_id_name"),
                dialled_number: variable(c"destination_number"),
            },
            profile,
            gateway,
            address,
        }
    }

    /// As the policy's pure functions take them.
    pub fn with_parent<'a>(&'a self, born_for: Option<&'a Leg>) -> LegSigns<'a> {
        LegSigns {
            direction: self.direction,
            user: self.user.as_ref().map(|(name, domain)| User { name, domain }),
            way: Way { profile: &self.profile, gateway: &self.gateway, address: self.address },
            caller_number: &self.personal.caller_number,
            dialled_number: &self.personal.dialled_number,
            born_for: born_for.map(|leg| BornFor {
                side: leg.side(),
                domain: leg.domain(),
                exempt: leg.exempt(),
                emergency: leg.emergency,
            }),
        }
    }
}

/// Endpoints that give a leg a user only where it logged in.
const LOG_IN: [&str; 2] = ["mod_verto", "mod_rtmp"];

/// The user that the party of an inbound leg proved to be.
fn who_rings(session: Session<'_>, endpoint: &str) -> Option<(String, String)> {
    let variable = |name| session.variable(name).filter(|value| !value.is_empty());
    let named = [c"sip_auth_username", c"acl_token"].into_iter().any(|name| variable(name).is_some());
    let proven = named || LOG_IN.contains(&endpoint);
    let user = proven.then(|| variable(c"user_name")).flatten()?;
    Some((user, variable(c"domain_name").unwrap_or_default()))
}

/// The user as whom an outbound leg was dialled: by `user/…`, or as one that is registered (`sofia/PROFILE/1000`,
/// `sofia/PROFILE/1000%domain`), which mod_sofia looks up itself. In the former of these its domain is the profile's.
fn who_is_rung(session: Session<'_>) -> Option<(String, String)> {
    let variable = |name| session.variable(name).filter(|value| !value.is_empty());
    if let Some(user) = variable(c"dialed_user") {
        return Some((user, variable(c"dialed_domain").unwrap_or_default()));
    }
    let local = variable(c"sip_local_url")?;
    let (user, domain) = local.split_once('@').unwrap_or((&local, ""));
    let is_profile = variable(c"sip_profile_name").is_some_and(|profile| profile == domain);
    Some((user.to_owned(), if is_profile { String::new() } else { domain.to_owned() }))
}

/// The SIP profile in the name of a channel that the host made, `sofia/PROFILE/…`; of other endpoints their own name, as
/// `verto` of `verto.rtc/…`.
fn profile_in(name: &str) -> &str {
    let (endpoint, rest) = name.split_once('/').unwrap_or((name, ""));
    if endpoint == "sofia" {
        rest.split('/').next().unwrap_or_default()
    } else {
        endpoint.split('.').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::profile_in;

    #[test]
    fn a_channels_name_says_by_which_profile_it_came() {
        for (name, profile) in [
            ("sofia/internal/1000@10.0.0.1", "internal"),
            ("sofia/external/a/b@c", "external"),
            ("verto.rtc/3000", "verto"),
            ("loopback/1000-a", "loopback"),
            ("", ""),
        ] {
            assert_eq!(profile_in(name), profile, "{name}");
        }
    }
}
