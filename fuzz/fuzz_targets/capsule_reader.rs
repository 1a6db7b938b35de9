#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| callvault_fuzz::capsule_reader(bytes));
