//! What may begin beside what, and what is durable then.

use refrain_persist::Salt;

use super::*;

fn shared(policy: AppendFsync) -> Shared {
    Shared::new(policy, 0, true)
}

/// One whose first three bytes are written and being synced.
fn syncing() -> Shared {
    let mut shared = shared(AppendFsync::EverySec);
    shared.append(b"one");
    assert!(!shared.second_has_passed());
    assert_eq!(shared.writes(), (b"one".to_vec(), false));
    assert!(matches!(shared.next(), Some(Step::BeginSync)));
    shared
}

impl Shared {
    fn append(&mut self, bytes: &[u8]) {
        self.appended += self.waiting.append(|waiting| waiting.extend_from_slice(bytes)) as u64;
    }

    fn switch(&mut self) {
        self.switches += 1;
        self.waiting.close();
        self.orders.push_back(Order::Switch { at: self.appended });
    }

    /// What the next step writes, and whether it syncs.
    fn writes(&mut self) -> (Vec<u8>, bool) {
        match self.next() {
            Some(Step::Append { bytes, sync }) => {
                self.written += std::mem::take(&mut self.in_flight);
                (bytes, sync)
            }
            other => panic!("there is something to write, not {other:?}"),
        }
    }
}

#[test]
fn nothing_from_behind_a_switch_goes_to_the_file_before_it() {
    let mut shared = shared(AppendFsync::EverySec);
    shared.append(b"before,");
    shared.orders.push_back(Order::ForgetHistory);
    shared.switch();
    shared.append(b" behind");
    assert!(matches!(shared.next(), Some(Step::Order(Order::ForgetHistory))));
    assert_eq!(shared.writes(), (b"before,".to_vec(), true));
    assert!(matches!(shared.next(), Some(Step::BeginSync)));
    assert!(shared.next().is_none(), "the sync is under way");
    assert!(shared.sync_ended(&Ok(())));
    assert!(shared.next().is_none(), "files are being changed");
    shared.is_changing = false;
    assert!(matches!(shared.next(), Some(Step::Order(Order::Switch { at: 7 }))));
    assert_eq!(shared.writes(), (b" behind".to_vec(), false));
}

#[test]
fn writes_go_on_beside_a_sync_and_a_change_of_files() {
    let mut shared = syncing();
    shared.orders.push_back(Order::MakeNext { salt: Salt::new(1) });
    assert!(matches!(shared.next(), Some(Step::Order(Order::MakeNext { .. }))));
    shared.append(b"two");
    assert_eq!(shared.writes(), (b"two".to_vec(), false));
    assert!(shared.sync_ended(&Ok(())));
    assert_eq!((shared.durable, shared.written), (3, 6), "it covers what was written when it began");
}

#[test]
fn a_sync_that_is_stuck_holds_up_what_is_behind_it() {
    let mut shared = syncing();
    shared.append(b"two");
    assert!(shared.second_has_passed(), "it is late");
    shared.writes();
    shared.append(b"three");
    assert!(shared.second_has_passed());
    assert!(shared.next().is_none());
    assert!(shared.sync_ended(&Ok(())));
    assert!(matches!(shared.next(), Some(Step::BeginSync)), "the next is due");
    assert_eq!(shared.writes(), (b"three".to_vec(), false));
}

#[test]
fn nothing_is_durable_in_a_file_whose_name_is_not() {
    for policy in [AppendFsync::EverySec, AppendFsync::Always] {
        let mut shared = shared(policy);
        (shared.is_changing, shared.is_naming) = (true, true);
        shared.append(b"one");
        shared.second_has_passed();
        if policy == AppendFsync::EverySec {
            assert_eq!(shared.writes(), (b"one".to_vec(), false));
        }
        assert!(shared.next().is_none());
        (shared.is_changing, shared.is_naming) = (false, false);
        match policy {
            AppendFsync::Always => assert_eq!(shared.writes(), (b"one".to_vec(), true)),
            _ => assert!(matches!(shared.next(), Some(Step::BeginSync))),
        }
    }
}

#[test]
fn two_syncs_never_overlap() {
    let mut shared = syncing();
    shared.policy = AppendFsync::Always;
    shared.append(b"two");
    assert!(shared.next().is_none(), "a write would be synced with it");
    assert!(shared.sync_ended(&Ok(())));
    assert_eq!(shared.writes(), (b"two".to_vec(), true));
}

#[test]
fn a_sync_that_fails_makes_nothing_durable_that_was_written_meanwhile() {
    let mut shared = syncing();
    shared.append(b"two");
    shared.writes();
    assert!(!shared.sync_ended(&Err(io::ErrorKind::Other.into())));
    assert!(shared.next().is_none(), "it is not tried again");
    shared.switch();
    assert!(matches!(shared.next(), Some(Step::Order(Order::Switch { at: 6 }))));
    shared.switched_at = 6;
    shared.append(b"three");
    assert_eq!(shared.writes(), (b"three".to_vec(), false));
    assert_eq!(shared.durable, 0);
    shared.base_is_durable();
    assert_eq!(shared.durable, 6);
    shared.second_has_passed();
    assert!(matches!(shared.next(), Some(Step::BeginSync)));
}

#[test]
fn a_new_file_is_announced_when_what_was_written_before_is_durable() {
    for policy in [AppendFsync::EverySec, AppendFsync::No] {
        let mut shared = shared(policy);
        shared.append(b"one");
        shared.writes();
        shared.next_is_made();
        assert!(matches!(shared.next(), Some(Step::BeginSync)));
        shared.append(b"two");
        assert_eq!(shared.writes(), (b"two".to_vec(), false));
        assert!(shared.carried.is_empty());
        assert!(shared.sync_ended(&Ok(())));
        assert!(shared.next().is_none());
        assert!(matches!(shared.carried[..], [Carried::NextMade]));
    }
}

#[test]
fn a_sync_that_fails_says_nothing_of_what_is_being_written_beside_it() {
    let mut shared = syncing();
    shared.append(b"two");
    assert!(matches!(shared.next(), Some(Step::Append { .. })));
    assert!(!shared.sync_ended(&Err(io::ErrorKind::Other.into())));
    shared.switched_at = 3;
    shared.base_is_durable();
    assert!(shared.sync_error.is_some(), "a base without it does not do");
    shared.switched_at = 6;
    shared.base_is_durable();
    assert!(shared.sync_error.is_none());
}
