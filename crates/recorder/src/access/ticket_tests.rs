//! Every way a ticket fails, each with its own code (ACC-01, ACC-03, PUR-06).
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::access::PublicLine;
use crate::seal::RecipientKey;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const VALIDITY: Duration = Duration::from_secs(15 * 60);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn instance() -> InstanceTag {
    InstanceTag::of("pbx-1")
}

fn recording() -> RecordingId {
    RecordingId::generate(instance()).expect("the system has randomness")
}

/// anna (1) may open for complaints and training, olga (2) is the officer, rita (3) recovery.
fn roster() -> Roster {
    let mut roster = Roster::empty();
    let both = BTreeSet::from([Purpose::Complaint, Purpose::Training]);
    let people = [(Role::Manager, "anna", 1, both), (Role::Officer, "olga", 2, BTreeSet::new())];
    for (role, name, seed, purposes) in people.into_iter().chain([(Role::Recovery, "rita", 3, BTreeSet::new())]) {
        let name = name.parse().expect("a name");
        let line = PublicLine::sign(role, name, RecipientKey::from_bytes([seed; 32]), &key(seed));
        roster.add(&line, purposes).expect("added");
    }
    roster
}

fn payload(signer: u8) -> Payload {
    let recording = recording();
    Payload {
        v: 1,
        person: PublicSigningKey::of(&key(signer)),
        recording,
        purpose: "complaint".to_owned(),
        reference: "K-2026/117".to_owned(),
        instance: recording.instance().to_string(),
        issued_at: NOW,
        nonce: Nonce::from_bytes([5; 16]),
    }
}

fn verify(text: &str) -> Result<Grant, TicketFault> {
    verify_ticket(text, &roster(), instance(), NOW, VALIDITY, |_| false)
}

fn refusal(text: &str) -> &'static str {
    verify(text).expect_err("refused").code()
}

#[test]
fn a_managers_ticket_grants_what_it_says() {
    let request = TicketRequest {
        recording: recording(),
        purpose: Purpose::Training,
        reference: "cursus café 3".parse().expect("a reference"),
    };
    let ticket = sign_ticket(&request, &key(1), NOW, Nonce::generate().expect("randomness"));
    assert!(ticket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "one word");
    let grant = verify(&ticket).expect("granted");
    assert_eq!((grant.recording(), grant.purpose()), (request.recording, Purpose::Training));
    assert_eq!(grant.reference(), &request.reference);
    assert_eq!(grant.person().name.as_str(), "anna");
    assert_eq!(verify(&format!(" {ticket}\r\n")), Ok(grant), "spaces around it do not matter");
}

#[test]
fn a_garbled_ticket_is_told_as_garbled() {
    let ticket = payload(1).sign(&key(1));
    let (head, _) = ticket.rsplit_once('.').expect("three parts");
    let mut other_form = payload(1);
    other_form.v = 2;
    let extra = "{\"v\":1,\"admin\":true}";
    for text in [
        "",
        "cvt1",
        "cvt1..",
        head,
        &ticket[..ticket.len() - 1],
        &ticket[1..],
        &format!("{ticket}."),
        &ticket.replace("cvt1", "cvt2"),
        &"a".repeat(5000),
        &other_form.sign(&key(1)),
        &format!("cvt1.{}.{}", URL_SAFE_NO_PAD.encode(extra), &ticket[ticket.len() - 86..]),
    ] {
        assert_eq!(refusal(text), "ticket_garbled", "{text}");
    }
}

#[test]
fn a_ticket_that_was_changed_or_signed_by_another_is_refused() {
    let mut mine = payload(1);
    let signature = mine.sign(&key(1)).rsplit_once('.').expect("three parts").1.to_owned();
    mine.purpose = "training".to_owned();
    let changed = format!("{}.{signature}", mine.sign(&key(1)).rsplit_once('.').expect("three parts").0);
    assert_eq!(refusal(&changed), "ticket_bad_signature");
    assert_eq!(refusal(&payload(1).sign(&key(9))), "ticket_bad_signature");
}

#[test]
fn only_a_manager_with_that_purpose_is_granted() {
    assert_eq!(refusal(&payload(9).sign(&key(9))), "ticket_stranger");
    assert_eq!(refusal(&payload(2).sign(&key(2))), "ticket_not_a_manager");
    assert_eq!(refusal(&payload(3).sign(&key(3))), "ticket_not_a_manager");
    for (purpose, code) in [
        ("spotcheck", "ticket_without_purpose"),
        ("safety_crime", "ticket_without_purpose"),
        ("legal_compliance", "ticket_without_purpose"),
        ("marketing", "ticket_unknown_purpose"),
        ("Complaint", "ticket_unknown_purpose"),
        ("", "ticket_unknown_purpose"),
    ] {
        let mut asked = payload(1);
        asked.purpose = purpose.to_owned();
        assert_eq!(refusal(&asked.sign(&key(1))), code, "{purpose}");
    }
}

#[test]
fn a_person_taken_off_the_roster_is_a_stranger_at_once() {
    let ticket = payload(1).sign(&key(1));
    let mut roster = roster();
    roster.remove(&"anna".parse().expect("a name")).expect("removed");
    let refused = verify_ticket(&ticket, &roster, instance(), NOW, VALIDITY, |_| false);
    assert_eq!(refused, Err(TicketFault::Stranger));
}

#[test]
fn a_refusal_for_time_states_the_clocks_difference() {
    let ticket = payload(1).sign(&key(1));
    let at = |now| verify_ticket(&ticket, &roster(), instance(), now, VALIDITY, |_| false);
    assert!(at(NOW.plus(VALIDITY)).is_ok());
    let late = at(NOW.plus(VALIDITY + Duration::from_secs(200))).expect_err("late");
    assert_eq!(late.code(), "ticket_late");
    assert!(late.to_string().contains("18 min 20 s later; it was good for 15 min"), "{late}");

    assert!(at(UnixMillis(NOW.0 - 60_000)).is_ok());
    let early = at(UnixMillis(NOW.0 - 3_700_000)).expect_err("from the future");
    assert_eq!(early.code(), "ticket_from_the_future");
    assert!(early.to_string().contains("1 h 1 min earlier"), "{early}");
}

#[test]
fn a_ticket_is_good_for_one_instance_one_recording_and_once() {
    let asked = payload(1);
    let ticket = asked.sign(&key(1));
    let elsewhere = verify_ticket(&ticket, &roster(), InstanceTag::of("pbx-2"), NOW, VALIDITY, |_| false);
    assert_eq!(elsewhere.expect_err("refused").code(), "ticket_another_instance");
    let mut mixed = payload(1);
    mixed.instance = InstanceTag::of("pbx-2").to_string();
    assert_eq!(refusal(&mixed.sign(&key(1))), "ticket_another_instance");

    let grant = verify(&ticket).expect("granted");
    assert_eq!(grant.check_recording(asked.recording), Ok(()));
    assert_eq!(grant.check_recording(recording()).expect_err("refused").code(), "ticket_another_recording");

    let again = verify_ticket(&ticket, &roster(), instance(), NOW, VALIDITY, |nonce| *nonce == grant.nonce());
    assert_eq!(again, Err(TicketFault::Replayed));
}

#[test]
fn a_reference_that_could_forge_a_log_line_is_refused() {
    for reference in ["", "   ", "a\nb", "a\u{202e}b", "a\0", &"x".repeat(129)] {
        let mut asked = payload(1);
        asked.reference = reference.to_owned();
        assert_eq!(refusal(&asked.sign(&key(1))), "ticket_bad_reference", "{reference:?}");
    }
}

#[test]
fn without_an_audit_entry_there_is_nothing_to_act_on() {
    let grant = verify(&payload(1).sign(&key(1))).expect("granted");
    assert_eq!(grant.clone().audited(|_| Err("disk full")), Err("disk full"));
    let audited = grant.clone().audited(|_| Ok::<(), ()>(())).expect("audited");
    assert_eq!(audited.grant(), &grant);
}

/// Strings near the five words: other case, look-alikes, padding, joined, cut.
fn near_a_purpose() -> impl Strategy<Value = String> {
    let word = prop::sample::select(Purpose::ALL.map(Purpose::as_str).to_vec());
    let edit = prop_oneof![
        "[ \t\n\u{200b}\u{00a0}]{1,2}".prop_map(|pad| (0, pad)),
        "\\PC{1,3}".prop_map(|insert| (1, insert)),
        Just((2, String::new())),
        Just((3, String::new())),
        Just((4, String::new())),
    ];
    (word, edit, any::<prop::sample::Index>()).prop_map(|(word, (kind, text), place)| {
        let place = place.index(word.len());
        match kind {
            0 => format!("{word}{text}"),
            1 => format!("{}{text}{}", &word[..place], &word[place..]),
            2 => word.to_uppercase(),
            3 => word.replace('i', "\u{0456}").replace('a', "\u{0430}"),
            _ => word[..place].to_owned(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50_000))]

    /// PUR-06: of 10⁵ strings (half of them anything, half near misses) only the five exact words pass.
    #[test]
    fn only_five_exact_words_are_purposes(anything in "\\PC*", near in near_a_purpose()) {
        for text in [anything, near] {
            let exact = Purpose::ALL.iter().any(|purpose| purpose.as_str() == text);
            prop_assert_eq!(text.parse::<Purpose>().is_ok(), exact, "{:?}", text);
            let as_json = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Purpose>(&as_json).is_ok(), exact, "{:?}", as_json);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// No text makes verification panic, and none but a signed one is granted.
    #[test]
    fn no_text_is_granted_by_chance(text in "(cvt1\\.)?[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(verify(&text).is_err());
    }

    /// The purpose's field inside a ticket that is otherwise right: PUR-06 through the whole door.
    #[test]
    fn a_signed_ticket_with_another_purpose_is_refused(purpose in near_a_purpose()) {
        prop_assume!(purpose.parse::<Purpose>().is_err());
        let mut asked = payload(1);
        asked.purpose = purpose;
        prop_assert_eq!(refusal(&asked.sign(&key(1))), "ticket_unknown_purpose");
    }
}
