use std::sync::Arc;

use super::*;

#[test]
fn a_key_reads_back_what_was_filled_and_keys_do_not_touch_each_other() {
    let keys: Vec<LockedKey> =
        (0..=255).map(|n| LockedKey::fill(|bytes| bytes.fill(n)).expect("memory can be locked")).collect();
    for (n, key) in (0..=255).zip(&keys) {
        assert!(key.expose(|bytes| *bytes == [n; 32]));
    }
}

/// Crosses a page's border on purpose: more keys than two pages hold, and slots are used again.
#[test]
fn a_dropped_key_is_zeroed_and_its_slot_is_used_again() {
    let mut keys: Vec<LockedKey> = (0..KEYS_PER_PAGE * 2 + 5)
        .map(|_| LockedKey::fill(|bytes| bytes.fill(0xAA)).expect("memory can be locked"))
        .collect();
    keys.drain(3..KEYS_PER_PAGE + 9);
    let again = LockedKey::fill(|bytes| assert_eq!(*bytes, [0; 32], "a slot is handed out zeroed"));
    assert!(again.is_ok());
    assert!(keys.iter().all(|key| key.expose(|bytes| *bytes == [0xAA; 32])));
}

#[test]
fn a_key_can_be_shared_by_threads() {
    let key = Arc::new(LockedKey::fill(|bytes| bytes.fill(7)).expect("memory can be locked"));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let key = Arc::clone(&key);
            std::thread::spawn(move || {
                for _ in 0..200 {
                    let own = LockedKey::fill(|bytes| bytes.fill(9)).expect("memory can be locked");
                    assert!(own.expose(|bytes| *bytes == [9; 32]));
                    assert!(key.expose(|bytes| *bytes == [7; 32]));
                }
            })
        })
        .collect();
    for reader in readers {
        reader.join().expect("the reader ends well");
    }
}

#[test]
fn a_panic_while_filling_gives_the_slot_back() {
    let filling = std::panic::catch_unwind(|| LockedKey::fill(|_| panic!("no randomness")));
    assert!(filling.is_err());
    assert!(LockedKey::fill(|bytes| assert_eq!(*bytes, [0; 32])).is_ok());
}

/// SEC-01: not in swap (`lo`), not in a core file (`dd`), as the kernel itself tells it.
#[test]
fn the_kernel_says_that_a_keys_page_is_locked_and_left_out_of_core_files() {
    let key = LockedKey::fill(|bytes| bytes.fill(1)).expect("memory can be locked");
    let address = key.expose(|bytes| bytes.as_ptr().addr());
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("the kernel shows our mappings");
    let mut inside = false;
    for line in maps.lines() {
        let range = line.split_whitespace().next().and_then(|range| range.split_once('-'));
        if let Some((Ok(from), Ok(to))) =
            range.map(|(from, to)| (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16)))
        {
            inside = (from..to).contains(&address);
        } else if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
            let flags: Vec<_> = flags.split_whitespace().collect();
            assert!(flags.contains(&"lo") && flags.contains(&"dd"), "flags are {flags:?}");
            return;
        }
    }
    panic!("the key's page is in no mapping");
}

#[test]
fn the_limit_is_told_with_what_is_used_of_it() {
    let _key = LockedKey::fill(|bytes| bytes.fill(1)).expect("memory can be locked");
    let report = memlock_limit();
    assert!(report.locked >= 4096, "{report}");
    assert!(LockFailed { report }.to_string().contains("LimitMEMLOCK"));
}

#[test]
fn nothing_of_a_key_is_printed() {
    let key = LockedKey::fill(|bytes| bytes.fill(0xAB)).expect("memory can be locked");
    assert_eq!(format!("{key:?}"), "LockedKey(…)");
}
