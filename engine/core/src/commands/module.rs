//! MODULE. There is no module, and none can be loaded: they are written against Redis's inside, which is not ours.

use crate::call::{Call, Outcome};
use crate::effects::Level;
use crate::error::ErrorReply;

/// MODULE LIST
pub fn list(call: &mut Call<'_>) -> Outcome {
    call.reply().array(0);
    Ok(())
}

/// MODULE LOAD path [argument ...], MODULE LOADEX path [CONFIG name value ...] [ARGS argument ...]
pub fn load(call: &mut Call<'_>) -> Outcome {
    let path = String::from_utf8_lossy(call.args.at(2)).into_owned();
    let why = "this server does not provide the interface that modules are written against";
    call.state.effects.log(Level::Warning, format!("Module {path} failed to load: {why}"));
    Err(ErrorReply::new("ERR Error loading the extension. Please check the server logs."))
}

/// MODULE UNLOAD name
pub fn unload(call: &mut Call<'_>) -> Outcome {
    let name = String::from_utf8_lossy(call.args.at(2)).into_owned();
    let why = "no such module with that name";
    call.state.effects.log(Level::Warning, format!("Error unloading module {name}: {why}"));
    Err(ErrorReply::owned(format!("ERR Error unloading module: {why}")))
}

/// MODULE HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}
