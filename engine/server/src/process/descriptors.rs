//! `maxclients` and the system's limit on open files.

/// Descriptors that are not clients: listeners, the log, the poll, the reserve.
const DESCRIPTORS_RESERVED: u64 = 32;

/// Makes room for `maxclients` descriptors, as far as the system lets us; returns the `maxclients` that there is room for.
///
/// # Errors
/// When there is room for none.
pub fn make_room(maxclients: i64) -> Result<i64, String> {
    let wanted = u64::try_from(maxclients).unwrap_or(0) + DESCRIPTORS_RESERVED;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit to a valid pointer.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Ok(maxclients);
    }
    if limit.rlim_cur >= wanted {
        return Ok(maxclients);
    }
    let raised = libc::rlimit { rlim_cur: wanted, rlim_max: limit.rlim_max.max(wanted) };
    let modest = libc::rlimit { rlim_cur: limit.rlim_max.min(wanted), rlim_max: limit.rlim_max };
    // SAFETY: setrlimit reads one rlimit from a valid pointer.
    let room = match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } {
        0 => wanted,
        // SAFETY: as above.
        _ => match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const modest) } {
            0 => modest.rlim_cur,
            _ => limit.rlim_cur,
        },
    };
    if room == wanted {
        let before = limit.rlim_cur;
        tracing::info!("Increased maximum number of open files to {wanted} (it was originally set to {before}).");
    }
    let clients = i64::try_from(room.saturating_sub(DESCRIPTORS_RESERVED)).unwrap_or(i64::MAX).min(maxclients);
    if clients < 1 {
        return Err(format!(
            "Your current 'ulimit -n' of {room} is not enough for the server to start. Please increase your open file limit \
             to at least {wanted}. Exiting."
        ));
    }
    if clients < maxclients {
        tracing::warn!(
            "You requested maxclients of {maxclients} requiring at least {wanted} max file descriptors. Current maximum open \
             files is {room}. maxclients has been reduced to {clients} to compensate for low ulimit. If you need higher \
             maxclients increase 'ulimit -n'."
        );
    }
    Ok(clients)
}
