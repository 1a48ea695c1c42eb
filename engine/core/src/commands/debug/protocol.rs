//! DEBUG PROTOCOL: a value of every type that replies can have, for clients to practise on.

use refrain_resp::{Encoder, Protocol};

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// The floating-point number.
#[expect(clippy::approx_constant, reason = "clients' tests expect this number, not the constant that it is near to")]
const DOUBLE: f64 = 3.141;

/// DEBUG PROTOCOL type
pub fn show(call: &mut Call<'_>) -> Outcome {
    let name = call.args.at(2).to_ascii_lowercase();
    let mut reply = call.reply();
    match name.as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double(DOUBLE),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            three(&mut reply);
        }
        b"set" => {
            reply.set(3);
            three(&mut reply);
        }
        b"map" => {
            reply.map(3);
            for i in 0..3 {
                reply.integer(i);
                reply.boolean(i == 1);
            }
        }
        b"attrib" => {
            if reply.protocol() == Protocol::Resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.integer(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if reply.protocol() == Protocol::Resp2 {
                return Err(ErrorReply::new("ERR RESP2 is not supported by this command"));
            }
            reply.bulk(b"Some real reply following the push reply");
            // No reply: it goes the way of all messages, and so comes behind the reply.
            call.state.push(call.session.handle, |message| {
                message.push(2);
                message.bulk(b"server-cpu-usage");
                message.integer(42);
            });
        }
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim(b"txt", b"This is a verbatim\nstring"),
        _ => {
            return Err(ErrorReply::new(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

fn three(reply: &mut Encoder<'_>) {
    for i in 0..3 {
        reply.integer(i);
    }
}
