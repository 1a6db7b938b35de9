//! Whose party a leg is, and what its numbers may say of it (decision 18, REC-10). What the far end of a leg can write
//! proves nothing: its caller id, its contact, its headers. It may match a list only in the number that it dials, for
//! that is where the host rings.
use std::net::IpAddr;

use crate::conversation::{Direction, Side};
use crate::policy::{Policy, Way};

/// The number that is an emergency number whatever the config lists (Directive (EU) 2018/1972, article 109).
const EMERGENCY: &str = "112";

/// What the host knows of a leg at its birth.
#[derive(Debug, Clone, Copy)]
pub struct LegSigns<'a> {
    /// Which way it was set up.
    pub direction: Direction,
    /// Of who rings in, the user of this host that it proved to be; of whom is rung, as which user it was dialled.
    pub user: Option<User<'a>>,
    /// The way it takes.
    pub way: Way<'a>,
    /// Caller id number, as it came.
    pub caller_number: &'a str,
    /// The number that was dialled, as it came.
    pub dialled_number: &'a str,
    /// The leg that it was born for, where there is one.
    pub born_for: Option<BornFor<'a>>,
}

/// A user of this host's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// Its name there.
    pub name: &'a str,
    /// Its domain; empty where the host does not say it.
    pub domain: &'a str,
}

/// What a leg takes over from the one that it was born for.
#[derive(Debug, Clone, Copy)]
pub struct BornFor<'a> {
    /// Whose party is on that one.
    pub side: Side,
    /// The domain of that one's user, where it has one.
    pub domain: Option<&'a str>,
    /// That one is exempt.
    pub exempt: bool,
    /// That one is an emergency call.
    pub emergency: bool,
}

/// Whom a leg reaches after all, where its party or a server on the way said so later: a redirection, a connected identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached<'a> {
    /// The number, as it came.
    pub number: &'a str,
    /// The address, where it is written as one.
    pub address: Option<IpAddr>,
}

/// What an outside caller's own caller id would have made of its call, had it been believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is one of `company-numbers`.
    Company,
    /// It is one of `exempt-numbers`.
    Exempt,
    /// It is an emergency number.
    Emergency,
}

impl Policy {
    /// Whose party is on a leg. Who rings in is the company's where it proved to be a user of this host, or comes by a way of
    /// staff; who is rung, where it was dialled as a user, its number is one of `company-numbers`, or it is rung by a way
    /// of staff; in either case not by a trunk. Beside one of another company it is outside; so is everyone else.
    pub fn classify(&self, signs: &LegSigns<'_>) -> Side {
        let ours = match signs.direction {
            Direction::Inbound => self.comes_from_company(signs),
            Direction::Outbound => self.is_rung_in_company(signs),
        };
        if ours && !self.is_beside_another_company(signs) { Side::Company } else { Side::Outside }
    }

    fn comes_from_company(&self, signs: &LegSigns<'_>) -> bool {
        let by_trunk = self.trunks.have(&signs.way) || signs.user.is_some_and(|user| self.is_trunk(user));
        !by_trunk && (signs.user.is_some() || self.staff.have_whatever_it_names(&signs.way))
    }

    /// A trunk may well lead to the company: to a user's mobile, or to one of its numbers.
    fn is_rung_in_company(&self, signs: &LegSigns<'_>) -> bool {
        let as_user = signs.user.is_some_and(|user| !self.is_trunk(user));
        let by_staff = self.staff.have(&signs.way) && !self.trunks.have(&signs.way);
        as_user || by_staff || self.is_company_number(signs.dialled_number)
    }

    fn is_beside_another_company(&self, signs: &LegSigns<'_>) -> bool {
        let other = signs.born_for.filter(|leg| leg.side == Side::Company).and_then(|leg| leg.domain);
        !self.are_one_company(other, signs.user.map(|user| user.domain))
    }

    /// Whether two of the company's are of one and the same: those without a domain are of any (decision 18).
    pub fn are_one_company(&self, one: Option<&str>, other: Option<&str>) -> bool {
        match (one.filter(|domain| !domain.is_empty()), other.filter(|domain| !domain.is_empty())) {
            (Some(one), Some(other)) => self.companies.are_one(one, other),
            (None, _) | (_, None) => true,
        }
    }

    /// Whether one of the company's is so still where its leg reaches somebody else than was rung.
    pub fn stays_company(&self, reached: &Reached<'_>) -> bool {
        let by_staff = self.staff.contain(reached.address) && !self.trunks.contain(reached.address);
        by_staff || self.is_company_number(reached.number)
    }

    /// Whether the leg is a call to or from an exempt line.
    pub fn exempt(&self, signs: &LegSigns<'_>) -> bool {
        signs.born_for.is_some_and(|leg| leg.exempt) || self.numbers_of(signs).any(|number| self.is_exempt(number))
    }

    /// Whether the leg is a call to or from an emergency number: 112 always, and what the config lists.
    pub fn emergency(&self, signs: &LegSigns<'_>) -> bool {
        signs.born_for.is_some_and(|leg| leg.emergency)
            || self.numbers_of(signs).any(|number| self.is_emergency(number))
    }

    /// What the caller id of an outside caller says and is not believed.
    pub fn claims(&self, signs: &LegSigns<'_>) -> impl Iterator<Item = Claim> {
        let outside = signs.direction == Direction::Inbound && !self.comes_from_company(signs);
        let number = signs.caller_number;
        let claims = [
            (self.is_company_number(number), Claim::Company),
            (self.is_exempt(number), Claim::Exempt),
            (self.is_emergency(number), Claim::Emergency),
        ];
        claims.into_iter().filter(move |(claimed, _)| outside && *claimed).map(|(_, claim)| claim)
    }

    /// The numbers by which a leg may be exempt or an emergency call: the one that was dialled; the user's name; and of
    /// the company's party that rings in, its caller id. A leg that is rung carries the caller id of whoever rings.
    fn numbers_of<'a>(&self, signs: &LegSigns<'a>) -> impl Iterator<Item = &'a str> {
        let rings_in = signs.direction == Direction::Inbound;
        let proven = !rings_in || self.comes_from_company(signs);
        let name = signs.user.filter(|_| proven).map(|user| user.name);
        let caller = (rings_in && proven).then_some(signs.caller_number);
        [Some(signs.dialled_number), name, caller].into_iter().flatten()
    }

    fn is_trunk(&self, user: User<'_>) -> bool {
        let User { name, domain } = user;
        self.trunk_users.as_ref().is_some_and(|list| list.is_match(name) || list.is_match(&format!("{name}@{domain}")))
    }

    fn is_company_number(&self, number: &str) -> bool {
        self.company_numbers.as_ref().is_some_and(|list| list.is_match(number))
    }

    fn is_exempt(&self, number: &str) -> bool {
        self.exempt_numbers.as_ref().is_some_and(|list| list.is_match(number))
    }

    fn is_emergency(&self, number: &str) -> bool {
        number == EMERGENCY || self.emergency_numbers.as_ref().is_some_and(|list| list.is_match(number))
    }
}

#[cfg(test)]
#[path = "whose_tests.rs"]
mod tests;
