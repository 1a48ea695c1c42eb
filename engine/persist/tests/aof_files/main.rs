//! Append-only files: their commands however they arrive and wherever they end, and the manifest that names them.

mod commands;
mod hostile;
mod manifest;
mod sealed;
mod wrong;
