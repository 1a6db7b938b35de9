use proptest::prelude::*;

use super::*;
use crate::policy::sample;

const STRANGER: LegSigns<'static> = LegSigns {
    direction: Direction::Inbound,
    user: None,
    way: Way { profile: "external", gateway: "", address: None },
    caller_number: "0612345678",
    dialled_number: "0201234567",
    born_for: None,
};

const ANNA: User<'static> = User { name: "1001", domain: "a.example" };

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

fn rung(dialled_number: &'static str) -> LegSigns<'static> {
    LegSigns { direction: Direction::Outbound, dialled_number, ..STRANGER }
}

#[test]
fn who_rings_in_is_the_companys_by_what_it_proved_and_never_by_its_caller_id() {
    let policy = sample(&[("company-numbers", "06555.*|0201234567"), ("staff-addresses", "10.1.0.0/16")]);
    assert_eq!(policy.classify(&STRANGER), Side::Outside);
    let claiming = LegSigns { caller_number: "0655512345", ..STRANGER };
    assert_eq!(policy.classify(&claiming), Side::Outside);
    assert_eq!(policy.claims(&claiming).collect::<Vec<_>>(), [Claim::Company]);
    assert_eq!(policy.classify(&LegSigns { user: Some(ANNA), ..STRANGER }), Side::Company);
    let branch = Way { address: address("10.1.2.3"), ..STRANGER.way };
    assert_eq!(policy.classify(&LegSigns { way: branch, ..STRANGER }), Side::Company);
}

#[test]
fn who_is_rung_is_the_companys_by_how_it_was_dialled() {
    let policy = sample(&[("company-numbers", "06555.*|0201234567"), ("staff-gateways", "branch")]);
    assert_eq!(policy.classify(&LegSigns { caller_number: "0201234567", ..rung("0612345678") }), Side::Outside);
    assert_eq!(policy.classify(&rung("0655512345")), Side::Company);
    assert_eq!(policy.classify(&LegSigns { user: Some(ANNA), ..rung("0612345678") }), Side::Company);
    let branch = Way { gateway: "branch", ..STRANGER.way };
    assert_eq!(policy.classify(&LegSigns { way: branch, ..rung("7001") }), Side::Company);
    assert_eq!(policy.classify(&LegSigns { way: branch, ..STRANGER }), Side::Outside, "a request may name any gateway");
}

#[test]
fn a_trunk_is_outside_whoever_it_says_it_is() {
    let policy = sample(&[
        ("company-numbers", "06555.*"),
        ("trunk-profiles", "external"),
        ("trunk-gateways", "carrier"),
        ("trunk-addresses", "192.0.2.0/24"),
        ("trunk-users", "9[0-9]{3}|peer@a\\.example"),
        ("staff-profiles", "internal"),
        ("staff-addresses", "10.0.0.0/8"),
    ]);
    let by = |profile, gateway, ip: &str| Way { profile, gateway, address: address(ip) };
    for way in [by("external", "", "10.0.0.1"), by("internal", "carrier", "10.0.0.1"), by("internal", "", "192.0.2.9")]
    {
        assert_eq!(policy.classify(&LegSigns { user: Some(ANNA), way, ..STRANGER }), Side::Outside, "{way:?}");
        let staff_mobile = LegSigns { way, ..rung("0655512345") };
        assert_eq!(policy.classify(&staff_mobile), Side::Company, "a mobile of staff is rung by {way:?}");
        assert_eq!(policy.classify(&LegSigns { way, ..rung("0612345678") }), Side::Outside, "{way:?}");
    }
    let inside = LegSigns { way: by("internal", "", "10.0.0.1"), ..STRANGER };
    assert_eq!(policy.classify(&inside), Side::Company);
    for (name, domain) in [("9001", "b.example"), ("peer", "a.example")] {
        let trunk = LegSigns { user: Some(User { name, domain }), ..inside };
        assert_eq!(policy.classify(&trunk), Side::Outside, "{name}");
        assert_eq!(policy.classify(&LegSigns { user: trunk.user, ..rung("1") }), Side::Outside, "{name}");
    }
    let other = User { name: "peer", domain: "b.example" };
    assert_eq!(policy.classify(&LegSigns { user: Some(other), ..inside }), Side::Company);
}

/// REC-10.
#[test]
fn emergency_and_exempt_lines_are_known_by_the_dialled_number_and_passed_on() {
    let policy = sample(&[("exempt-numbers", "1007"), ("emergency-numbers", "144")]);
    for number in ["112", "144"] {
        assert!(policy.emergency(&LegSigns { dialled_number: number, ..STRANGER }), "{number}");
        assert!(policy.emergency(&rung(number)), "{number}");
    }
    assert!(!policy.emergency(&LegSigns { dialled_number: "1121", ..STRANGER }));
    assert!(policy.exempt(&LegSigns { dialled_number: "1007", ..STRANGER }));
    let passed_on = BornFor { side: Side::Outside, domain: None, exempt: true, emergency: true };
    let born = LegSigns { born_for: Some(passed_on), ..STRANGER };
    assert!(policy.exempt(&born) && policy.emergency(&born));
    assert!(!policy.exempt(&STRANGER) && !policy.emergency(&STRANGER));
    assert!(sample(&[]).emergency(&rung("112")));
}

/// REC-10: of the company's own it counts who rings; a caller id that a stranger wrote, or that a leg was lent, does not.
#[test]
fn a_caller_id_makes_nobody_exempt_who_did_not_prove_who_it_is() {
    let policy = sample(&[("exempt-numbers", "1007"), ("emergency-numbers", "144")]);
    for (number, claim) in [("1007", Claim::Exempt), ("112", Claim::Emergency), ("144", Claim::Emergency)] {
        let claiming = LegSigns { caller_number: number, ..STRANGER };
        assert!(!policy.exempt(&claiming) && !policy.emergency(&claiming), "{number}");
        assert_eq!(policy.claims(&claiming).collect::<Vec<_>>(), [claim]);
        let lent = LegSigns { caller_number: number, ..rung("0612345678") };
        assert!(!policy.exempt(&lent) && !policy.emergency(&lent), "{number} rings");
        assert_eq!(policy.claims(&lent).count(), 0);
        let anna = LegSigns { user: Some(ANNA), ..claiming };
        assert_eq!((policy.exempt(&anna), policy.emergency(&anna)), (number == "1007", number != "1007"));
        assert_eq!(policy.claims(&anna).count(), 0);
    }
    let adviser = User { name: "1007", domain: "a.example" };
    assert!(policy.exempt(&LegSigns { user: Some(adviser), ..STRANGER }));
    assert!(policy.exempt(&LegSigns { user: Some(adviser), ..rung("sip:x") }));
}

#[test]
fn users_of_two_domains_are_outside_to_each_other_unless_the_domains_are_one_company() {
    let of = |domain| Some(BornFor { side: Side::Company, domain: Some(domain), exempt: false, emergency: false });
    let call = |domain| LegSigns { user: Some(ANNA), born_for: of(domain), ..rung("1001") };
    let (each, one) = (sample(&[]), sample(&[("company-domains", "a.example,b.example")]));
    assert_eq!(each.classify(&call("a.example")), Side::Company);
    assert_eq!(each.classify(&call("b.example")), Side::Outside);
    assert_eq!(one.classify(&call("b.example")), Side::Company);
    assert_eq!(one.classify(&call("c.example")), Side::Outside);
    let stranger = BornFor { side: Side::Outside, domain: Some("b.example"), exempt: false, emergency: false };
    assert_eq!(each.classify(&LegSigns { born_for: Some(stranger), ..call("b.example") }), Side::Company);
    let by_number = LegSigns { user: None, ..call("b.example") };
    assert_eq!(sample(&[("company-numbers", "1001")]).classify(&by_number), Side::Company);
}

#[test]
fn who_is_reached_in_place_of_the_companys_is_so_only_by_the_policy() {
    let policy = sample(&[
        ("company-numbers", "06555.*"),
        ("staff-addresses", "10.0.0.0/8"),
        ("trunk-addresses", "10.9.0.0/16"),
    ]);
    let stays = |number, ip: Option<&str>| policy.stays_company(&Reached { number, address: ip.and_then(address) });
    assert!(stays("0655512345", None) && stays("1002", Some("10.0.0.7")));
    assert!(!stays("0612345678", None) && !stays("1002", Some("10.9.0.7")) && !stays("1002", Some("192.0.2.1")));
}

proptest! {
    /// Whatever an outside caller writes of itself, its call stays what it is.
    #[test]
    fn no_caller_id_changes_what_a_strangers_call_is(caller in ".{0,20}|112|1007|06555[0-9]{5}", gateway in "[a-z]{0,8}") {
        let policy = sample(&[
            ("company-numbers", "06555.*"),
            ("exempt-numbers", "1007"),
            ("staff-gateways", "branch,b"),
        ]);
        let way = Way { gateway: &gateway, ..STRANGER.way };
        let lying = LegSigns { caller_number: &caller, way, ..STRANGER };
        prop_assert_eq!(policy.classify(&lying), Side::Outside);
        prop_assert!(!policy.exempt(&lying) && !policy.emergency(&lying));
    }
}
