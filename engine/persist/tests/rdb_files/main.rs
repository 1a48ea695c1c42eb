//! RDB files: what is written comes back, however it arrives; what other servers wrote is read; what is none is refused.

mod cuts;
mod fixture;
mod hostile;
mod recorded;
mod refused;
mod round_trip;
