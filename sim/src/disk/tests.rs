//! What survives and what does not, a disk alone.

use super::*;

fn volume(seed: u64) -> Volume {
    Volume::new(Stream::new(seed, "disk/test"))
}

fn write(volume: &mut Volume, path: &str, bytes: &[u8]) -> InodeId {
    let id = volume.open(path, Open::Append).unwrap();
    let (written, outcome) = volume.append(id, bytes);
    outcome.unwrap();
    assert_eq!(written, bytes.len());
    id
}

fn sync(volume: &mut Volume, id: InodeId) -> io::Result<()> {
    let mark = volume.file_mark(id);
    volume.sync_file(id, mark)
}

fn sync_names(volume: &mut Volume, path: &str) -> io::Result<()> {
    let mark = volume.names_mark();
    volume.sync_directory(path, mark)
}

/// In how many of 200 worlds `holds` is true.
fn count(mut holds: impl FnMut(u64) -> bool) -> usize {
    (0..200).filter(|seed| holds(*seed)).count()
}

#[test]
fn what_was_synced_with_its_name_survives() {
    for seed in 0..200 {
        let mut v = volume(seed);
        v.create_directory("dir").unwrap();
        sync_names(&mut v, "").unwrap();
        let id = write(&mut v, "dir/log", &[7; 5000]);
        sync(&mut v, id).unwrap();
        sync_names(&mut v, "dir").unwrap();
        write(&mut v, "dir/log", &[8; 3000]);
        v.lose_power();
        let bytes = &v.files()["dir/log"];
        assert!(bytes.len() >= 5000 && bytes[..5000].iter().all(|b| *b == 7), "seed {seed}");
        assert!(bytes.len() <= 8000 && bytes[5000..].iter().all(|b| *b == 8 || *b == 0), "seed {seed}");
    }
}

#[test]
fn a_file_without_a_synced_name_may_be_gone_and_a_directory_too() {
    let survives = |directory: bool| {
        count(|seed| {
            let mut v = volume(seed);
            v.create_directory("dir").unwrap();
            if directory {
                sync_names(&mut v, "").unwrap();
            }
            let id = write(&mut v, "dir/log", b"bytes");
            sync(&mut v, id).unwrap();
            v.lose_power();
            v.files().contains_key("dir/log")
        })
    };
    assert!((60..140).contains(&survives(true)));
    assert!((20..90).contains(&survives(false)));
}

#[test]
fn unsynced_sectors_are_kept_dropped_torn_and_reordered() {
    let (mut kept, mut dropped, mut torn, mut reordered, mut short) = (0, 0, 0, 0, 0);
    for seed in 0..200 {
        let mut v = volume(seed);
        let id = write(&mut v, "log", &[1; 512]);
        sync(&mut v, id).unwrap();
        sync_names(&mut v, "").unwrap();
        write(&mut v, "log", &[2; 2048]);
        v.lose_power();
        let bytes = v.files()["log"].clone();
        short += usize::from(bytes.len() < 2560);
        let sectors: Vec<usize> =
            bytes[512..].chunks(512).map(|sector| sector.iter().filter(|b| **b == 2).count()).collect();
        kept += usize::from(sectors == [512; 4]);
        dropped += usize::from(sectors.iter().all(|n| *n == 0));
        torn += usize::from(sectors.iter().any(|n| (1..512).contains(n)));
        reordered += usize::from(sectors.windows(2).any(|pair| pair[0] == 0 && pair[1] > 0));
    }
    for (what, times) in [kept, dropped, torn, reordered, short].into_iter().enumerate() {
        assert!(times > 0, "case {what} never came");
    }
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let later_lost = count(|seed| {
        let mut v = volume(seed);
        let id = write(&mut v, "log", &[1; 1024]);
        sync_names(&mut v, "").unwrap();
        let mark = v.file_mark(id);
        write(&mut v, "log", &[2; 1024]);
        v.sync_file(id, mark).unwrap();
        v.lose_power();
        let bytes = &v.files()["log"];
        assert!(bytes[..1024].iter().all(|b| *b == 1));
        bytes.len() < 2048 || bytes[1024..].contains(&0)
    });
    assert!(later_lost > 100);
}

#[test]
fn after_a_failed_sync_the_pages_look_right_and_are_never_written() {
    let lost = count(|seed| {
        let mut v = volume(seed);
        let id = write(&mut v, "log", &[1; 1024]);
        sync_names(&mut v, "").unwrap();
        v.config.sync_error = 1.0;
        assert_eq!(sync(&mut v, id).unwrap_err().raw_os_error(), Some(5));
        assert_eq!(v.read_at(id, 0, 2000).unwrap(), [1; 1024], "the cache has them");
        v.config.sync_error = 0.0;
        sync(&mut v, id).unwrap();
        v.lose_power();
        !v.files()["log"].contains(&1)
    });
    assert_eq!(lost, 200);
}

#[test]
fn a_rename_is_old_or_new_and_only_a_sync_decides() {
    let new = count(|seed| {
        let mut v = volume(seed);
        for (path, bytes) in [("a", b"old"), ("b", b"new")] {
            let id = write(&mut v, path, bytes);
            sync(&mut v, id).unwrap();
        }
        sync_names(&mut v, "").unwrap();
        v.rename("b", "a").unwrap();
        assert_eq!(v.files()["a"], b"new");
        v.lose_power();
        let found = v.files()["a"].clone();
        assert!(found == b"new" || found == b"old");
        assert_eq!(v.files().contains_key("b"), found == b"old");
        found == b"new"
    });
    assert!((60..140).contains(&new));
    let mut v = volume(1);
    let id = write(&mut v, "b", b"new");
    sync(&mut v, id).unwrap();
    v.rename("b", "a").unwrap();
    sync_names(&mut v, "").unwrap();
    v.lose_power();
    assert_eq!(v.files()["a"], b"new");
}

#[test]
fn names_in_order_lose_the_end_only() {
    for seed in 0..200 {
        let mut v = volume(seed);
        v.config.names_in_order = true;
        for path in ["1", "2", "3"] {
            let id = write(&mut v, path, path.as_bytes());
            sync(&mut v, id).unwrap();
        }
        v.lose_power();
        let names: String = v.files().into_keys().collect();
        assert!("123".starts_with(&names), "{names}");
    }
}

#[test]
fn a_full_disk_takes_what_there_is_room_for() {
    let mut v = volume(1);
    v.config.capacity = 1000;
    let id = v.open("log", Open::Append).unwrap();
    assert!(v.append(id, &[1; 600]).1.is_ok());
    let (written, outcome) = v.append(id, &[2; 600]);
    assert_eq!((written, outcome.unwrap_err().kind()), (400, ErrorKind::StorageFull));
    v.set_len(id, 600).unwrap();
    assert!(v.append(id, &[3; 400]).1.is_ok());
    assert_eq!(v.open("none", Open::Read).unwrap_err().kind(), ErrorKind::NotFound);
    v.remove("log").unwrap();
    let other = v.open("other", Open::Append).unwrap();
    assert!(v.append(other, &[1; 1000]).1.is_ok(), "what has no name takes no room");
}

#[test]
fn errors_come_as_often_as_they_should_and_leave_a_part() {
    let mut v = volume(1);
    v.config.write_error = 0.5;
    let id = v.open("log", Open::Append).unwrap();
    let (mut failed, mut parts, mut len) = (0, 0, 0);
    for _ in 0..200 {
        let (written, outcome) = v.append(id, &[1; 100]);
        len += written;
        failed += usize::from(outcome.is_err());
        parts += usize::from(outcome.is_err() && written > 0);
    }
    assert!((60..140).contains(&failed) && parts > 50, "{failed} {parts}");
    assert_eq!(v.len(id).unwrap(), len as u64);
    v.config.read_error = 1.0;
    assert!(v.read_at(id, 0, 1).is_err());
}

#[test]
fn rot_changes_one_bit_for_good() {
    let mut v = volume(1);
    let id = write(&mut v, "log", &[0; 100]);
    sync(&mut v, id).unwrap();
    sync_names(&mut v, "").unwrap();
    assert!(v.rot(3, 77));
    let ones = |v: &Volume| v.files()["log"].iter().map(|b| b.count_ones()).sum::<u32>();
    assert_eq!(ones(&v), 1);
    v.lose_power();
    assert_eq!(ones(&v), 1);
}

#[test]
fn a_cut_is_as_unsure_as_anything_until_it_is_synced() {
    let longer = count(|seed| {
        let mut v = volume(seed);
        let id = write(&mut v, "log", &[1; 2000]);
        sync(&mut v, id).unwrap();
        sync_names(&mut v, "").unwrap();
        v.set_len(id, 500).unwrap();
        assert_eq!(v.len(id).unwrap(), 500);
        v.lose_power();
        v.files()["log"].len() > 500
    });
    assert!((60..190).contains(&longer), "{longer}");
}
