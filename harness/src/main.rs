//! The command line of the harness: `refrain-harness --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
