//! What the policy says of legs by the way they take through the host, and of domains (decision 18).
use std::net::IpAddr;

/// The ways that the policy names as trunks, or as staff.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// `…-profiles`: SIP profiles, or other endpoints by their name (`verto`).
    pub profiles: Vec<String>,
    /// `…-gateways`.
    pub gateways: Vec<String>,
    /// `…-addresses`.
    pub addresses: Vec<Network>,
}

/// The way that one leg takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way<'a> {
    /// Its SIP profile, or its endpoint's name where that has none.
    pub profile: &'a str,
    /// Its gateway; empty where it has none. Of who rings in, the gateway that its request names: no proof.
    pub gateway: &'a str,
    /// Whence its request came, or where it went, where that is written as an address.
    pub address: Option<IpAddr>,
}

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Which domains of this host are one company; by default each is one of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Companies {
    /// All of them are one.
    pub one: bool,
    /// Domains of one company each, in lower case.
    pub domains: Vec<Vec<String>>,
}

impl Ways {
    /// Whether this way is one of them, by profile, address or gateway.
    pub(super) fn have(&self, way: &Way<'_>) -> bool {
        self.gateways.iter().any(|name| name == way.gateway) || self.have_whatever_it_names(way)
    }

    /// The same by what the far end of a leg that rings in cannot choose: its profile and its address.
    pub(super) fn have_whatever_it_names(&self, way: &Way<'_>) -> bool {
        self.profiles.iter().any(|name| name == way.profile) || self.contain(way.address)
    }

    /// Whether the address is one of theirs.
    pub(super) fn contain(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.addresses.iter().any(|network| network.contains(address)))
    }

    /// A name or a network that is in the others as well.
    pub(super) fn also_in(&self, others: &Self) -> Option<String> {
        let names = self.profiles.iter().filter(|name| others.profiles.contains(name));
        let names = names.chain(self.gateways.iter().filter(|name| others.gateways.contains(name))).cloned();
        let networks = self.addresses.iter().filter(|network| others.addresses.contains(network));
        names.chain(networks.map(Network::to_string)).next()
    }
}

impl Network {
    /// `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= longest)?,
            None => longest,
        };
        Some(Self { address, bits })
    }

    fn contains(&self, other: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u8| {
            let free = width - self.bits;
            one.checked_shr(free.into()).unwrap_or(0) == other.checked_shr(free.into()).unwrap_or(0)
        };
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(u32::from(own).into(), u32::from(other).into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.into(), other.into(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Companies {
    /// Whether users of these domains are of one company.
    pub(super) fn are_one(&self, one: &str, other: &str) -> bool {
        let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
        self.one
            || one == other
            || self.domains.iter().any(|domains| domains.contains(&one) && domains.contains(&other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_is_an_address_and_how_many_bits_of_it_count() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.3", "10.2.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.2"),
        ] {
            let network = Network::parse(network).expect("it is one");
            assert!(network.contains(inside.parse().expect("an address")), "{network} {inside}");
            assert!(!network.contains(outside.parse().expect("an address")), "{network} {outside}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "host", "10.0.0", "::/129"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_contains_what_shares_its_bits(own: u32, other: u32, bits in 0_u8..=32) {
            let network = Network { address: IpAddr::V4(own.into()), bits };
            let shared = (own ^ other).leading_zeros() >= bits.into();
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), shared);
        }

        #[test]
        fn whatever_is_written_is_a_network_or_is_none(text in ".{0,50}") {
            if let Some(network) = Network::parse(&text) {
                prop_assert_eq!(Network::parse(&network.to_string()), Some(network));
            }
        }
    }

    #[test]
    fn domains_are_companies_of_their_own_unless_they_are_said_to_be_one() {
        let each = Companies::default();
        assert!(each.are_one("A.example", "a.EXAMPLE") && !each.are_one("a.example", "b.example"));
        let two = vec!["a.example".to_owned(), "b.example".to_owned()];
        let some = Companies { one: false, domains: vec![two, vec!["c.example".into()]] };
        assert!(some.are_one("a.example", "B.example"));
        assert!(!some.are_one("a.example", "c.example"));
        assert!(Companies { one: true, ..some }.are_one("a.example", "c.example"));
    }
}
