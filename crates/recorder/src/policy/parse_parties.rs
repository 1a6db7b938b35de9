//! The parameters that say who is whose party (decision 18): trunks, staff, companies.
use crate::policy::fault::quoted;
use crate::policy::parse::Reader;
use crate::policy::parties::{Companies, Network, Ways};

impl Reader<'_> {
    /// `trunk-profiles`, `trunk-gateways`, `trunk-addresses`, or the same of staff.
    pub(super) fn ways(&mut self, [profiles, gateways, addresses]: [&str; 3]) -> Ways {
        Ways {
            profiles: self.names(profiles, "none"),
            gateways: self.names(gateways, "none"),
            addresses: self.networks(addresses),
        }
    }

    fn networks(&mut self, name: &str) -> Vec<Network> {
        let value = self.values.get(name).copied().unwrap_or("none");
        if value == "none" {
            return Vec::new();
        }
        let read: Option<Vec<Network>> = value.split(',').map(|text| Network::parse(text.trim())).collect();
        read.unwrap_or_else(|| {
            let right = "addresses as 192.0.2.1 or 10.0.0.0/8 with commas between them, or \"none\"";
            self.fault(name, quoted(value), right);
            Vec::new()
        })
    }

    /// Domains of one company with commas between them, companies with semicolons; `*` where all are one.
    pub(super) fn companies(&mut self) -> Companies {
        const NAME: &str = "company-domains";
        let value = self.values.get(NAME).copied().unwrap_or("none");
        match value {
            "none" => return Companies::default(),
            "*" => return Companies { one: true, domains: Vec::new() },
            _ => {}
        }
        let of_company =
            |text: &str| -> Vec<String> { text.split(',').map(|domain| domain.trim().to_ascii_lowercase()).collect() };
        let domains: Vec<Vec<String>> = value.split(';').map(of_company).collect();
        let is_domain = |domain: &String| {
            !domain.is_empty() && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
        };
        let mut seen = std::collections::BTreeSet::new();
        if domains.iter().flatten().all(|domain| is_domain(domain) && seen.insert(domain.clone())) {
            return Companies { one: false, domains };
        }
        let right = "domains, each once, with commas between those of one company and semicolons between companies, \
                     \"*\" where all are one, or \"none\"";
        self.fault(NAME, quoted(value), right);
        Companies::default()
    }

    /// What is a trunk is not staff.
    pub(super) fn trunks_are_not_staff(&mut self, trunks: &Ways, staff: &Ways) {
        if let Some(both) = trunks.also_in(staff) {
            self.fault(
                "staff-addresses",
                format!("{} among the trunks as well", quoted(&both)),
                "trunk or staff, not both",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Companies, Policy, sample, sample_config};

    fn faults(name: &str, value: &str) -> String {
        let faults = Policy::parse(&sample_config(&[(name, value)])).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn trunks_and_staff_are_lists_and_none_by_default() {
        let policy = sample(&[
            ("trunk-profiles", "external, carrier"),
            ("trunk-gateways", "one,two"),
            ("trunk-addresses", "192.0.2.0/24, 2001:db8::1"),
            ("staff-profiles", "branch"),
        ]);
        assert_eq!(policy.trunks.profiles, ["external", "carrier"]);
        assert_eq!(policy.trunks.gateways, ["one", "two"]);
        assert_eq!(policy.trunks.addresses.len(), 2);
        assert_eq!(policy.staff.profiles, ["branch"]);
        let plain = sample(&[("trunk-addresses", "none")]);
        assert_eq!((plain.trunks, plain.staff, plain.companies), Default::default());
    }

    #[test]
    fn domains_of_one_company_stand_together() {
        let policy = sample(&[("company-domains", "a.example, B.example;c.example")]);
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let domains = vec![of(&["a.example", "b.example"]), of(&["c.example"])];
        assert_eq!(policy.companies, Companies { one: false, domains });
        assert!(sample(&[("company-domains", "*")]).companies.one);
    }

    #[test]
    fn what_names_nothing_or_twice_is_a_fault_at_its_place() {
        for (name, value) in [
            ("trunk-addresses", "10.0.0.0/40"),
            ("staff-addresses", "pbx.example"),
            ("trunk-profiles", "a,,b"),
            ("company-domains", "a.example;a.example"),
            ("company-domains", "a.example,*"),
            ("trunk-users", ".*"),
        ] {
            let faults = faults(name, value);
            assert!(faults.starts_with(&format!("settings/param[{name}]")), "{name}={value}: {faults}");
        }
        let both = Policy::parse(&sample_config(&[("trunk-profiles", "one"), ("staff-profiles", "one")]));
        assert!(both.is_err(), "a trunk is not staff");
    }
}
