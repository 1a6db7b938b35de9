//! What a person reads: help, answers and refusals, word for word (tests/cmd/*.trycmd).

#[test]
fn every_word_is_as_it_was() {
    trycmd::TestCases::new().env("CALLVAULT_PASSPHRASE", "the fixtures' passphrase").case("tests/cmd/*.trycmd");
}
