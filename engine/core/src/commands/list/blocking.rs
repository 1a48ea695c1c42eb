//! Commands that wait until there is an element for them. Once there is one they do what the plain commands do, and those are
//! what is propagated.

use refrain_data::{Kind, ListEnd as End};

use super::must_be_list;
use super::pop::{Several, plain_pop, pop_one};
use super::transfer::{RIGHT_TO_LEFT, Transfer};
use crate::blocked::{Block, Timeout};
use crate::call::{Call, Outcome};

fn pop_or_wait(call: &mut Call<'_>, end: End) -> Outcome {
    let last = call.args.len() - 1;
    let timeout = Timeout::seconds(call, last)?;
    for i in 1..last {
        let key = call.key(i);
        if must_be_list(call.state.peek(&key))? {
            call.reply().array(2);
            call.reply().bulk(key.name);
            pop_one(call, &key, end)?;
            call.propagate(&[plain_pop(end), key.name]);
            return Ok(());
        }
    }
    call.block(Block::on(Kind::List, 1..last, timeout));
    Ok(())
}

/// BLPOP key [key ...] timeout
pub fn blpop(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Left)
}

/// BRPOP key [key ...] timeout
pub fn brpop(call: &mut Call<'_>) -> Outcome {
    pop_or_wait(call, End::Right)
}

/// BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]
pub fn blmpop(call: &mut Call<'_>) -> Outcome {
    let several = Several::parse(call, 2)?;
    let timeout = Timeout::seconds(call, 1)?;
    if !several.pop(call)? {
        call.block(Block::on(Kind::List, several.keys, timeout));
    }
    Ok(())
}

/// Waits for the source. Inside a transaction the reply is the null of a single element.
fn wait_for_source(call: &mut Call<'_>, timeout: Timeout) {
    if call.may_block() {
        call.block(Block::on(Kind::List, 1..2, timeout));
    } else {
        call.reply().null();
    }
}

/// BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout
pub fn blmove(call: &mut Call<'_>) -> Outcome {
    let transfer = Transfer::one(call)?;
    let timeout = Timeout::seconds(call, 5)?;
    if transfer.move_one(call)? {
        let args = call.args;
        call.propagate(&[b"LMOVE", args.at(1), args.at(2), args.at(3), args.at(4)]);
    } else {
        wait_for_source(call, timeout);
    }
    Ok(())
}

/// BRPOPLPUSH source destination timeout
pub fn brpoplpush(call: &mut Call<'_>) -> Outcome {
    let timeout = Timeout::seconds(call, 3)?;
    if RIGHT_TO_LEFT.move_one(call)? {
        call.propagate(&[b"RPOPLPUSH", call.args.at(1), call.args.at(2)]);
    } else {
        wait_for_source(call, timeout);
    }
    Ok(())
}

/// BLMOVEM source destination LEFT | RIGHT LEFT | RIGHT timeout [COUNT count | EXACTLY exactly OBO | BULK]
pub fn blmovem(call: &mut Call<'_>) -> Outcome {
    let transfer = Transfer::one(call)?;
    let timeout = Timeout::seconds(call, 5)?;
    let transfer = transfer.several(call, 6)?;
    if !transfer.move_several(call)? {
        call.block(Block::on(Kind::List, 1..2, timeout));
    }
    Ok(())
}
