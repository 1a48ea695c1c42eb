use std::cell::Cell;
thread_local! { pub static STEPS: Cell<usize> = const { Cell::new(0) }; }
