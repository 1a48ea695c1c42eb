//! Lists: nodes of packed elements, or single elements that are too long for that.

use refrain_data::{List, ListRef, Packed, PackedList, Value};

use super::ziplist::ziplist;
use super::{Limits, number, read_blob, read_count, read_packed, write_count, write_packed};
use crate::length::write_length;
use crate::string::{Compressor, StringValue, read_string, write_string};
use crate::{Input, Malformed};

const PLAIN: u64 = 1;
const PACKED: u64 = 2;

const BROKEN: &str = "Quicklist integrity check failed.";
const BROKEN_PACKED: &str = "Listpack integrity check failed.";
const BROKEN_ZIPLIST: &str = "Ziplist integrity check failed.";

/// Bytes of a node; longer elements are nodes of their own.
const NODE_BYTES: usize = 8192;

pub(super) fn write(out: &mut Vec<u8>, list: ListRef<'_>, compressor: &mut Compressor) {
    if let ListRef::Packed(packed) = list {
        write_count(out, 1);
        write_length(out, PACKED);
        write_packed(out, packed, compressor);
        return;
    }
    // How many nodes there are comes first, so their bounds are found before they are written.
    let mut nodes = Nodes::default();
    list.visit(0, |element| {
        nodes.add(element, &mut |_, _| {});
        true
    });
    nodes.end(&mut |_, _| {});
    write_count(out, nodes.count);
    let mut nodes = Nodes::default();
    let mut write_node = |kind, node: Node<'_>| {
        write_length(out, kind);
        match node {
            Node::Packed(list) => write_packed(out, list, compressor),
            Node::Plain(element) => write_string(out, element, compressor),
        }
    };
    list.visit(0, |element| {
        nodes.add(element, &mut write_node);
        true
    });
    nodes.end(&mut write_node);
}

enum Node<'a> {
    Packed(Packed<'a>),
    Plain(Value<'a>),
}

/// Elements gathered to nodes.
#[derive(Default)]
struct Nodes {
    gathered: PackedList,
    count: usize,
}

impl Nodes {
    fn add(&mut self, element: Value<'_>, emit: &mut impl FnMut(u64, Node<'_>)) {
        if element.len() > NODE_BYTES {
            self.end(emit);
            self.count += 1;
            emit(PLAIN, Node::Plain(element));
            return;
        }
        if self.gathered.total_bytes() + element.len() > NODE_BYTES {
            self.end(emit);
        }
        self.gathered.push_back_value(element);
    }

    fn end(&mut self, emit: &mut impl FnMut(u64, Node<'_>)) {
        if !self.gathered.is_empty() {
            self.count += 1;
            emit(PACKED, Node::Packed(self.gathered.view()));
            self.gathered.clear();
        }
    }
}

pub(super) fn read(value_type: u8, input: &mut Input<'_>, limits: &Limits) -> Result<List, Malformed> {
    let mut list = List::of(std::iter::empty(), limits.list);
    let push = |list: &mut List, element: Value<'_>| {
        let mut digits = refrain_data::IntBuffer::new();
        list.push(refrain_data::ListEnd::Right, std::iter::once(element.bytes(&mut digits)), limits.list);
    };
    match value_type {
        number::LIST => {
            for _ in 0..read_count(input)? {
                match read_string(input, limits.string_bytes)? {
                    StringValue::Int(number) => push(&mut list, Value::Int(number)),
                    StringValue::Bytes(bytes) => push(&mut list, Value::Bytes(&bytes)),
                }
            }
        }
        number::LIST_ZIPLIST => ziplist(&read_blob(input, limits)?, &mut |element| push(&mut list, element))
            .map_err(|Malformed| input.complain("List ziplist integrity check failed."))?,
        number::LIST_QUICKLIST => {
            for _ in 0..read_count(input)? {
                ziplist(&read_blob(input, limits)?, &mut |element| push(&mut list, element))
                    .map_err(|Malformed| input.complain(BROKEN_ZIPLIST))?;
            }
        }
        _ => {
            let nodes = read_count(input)?;
            for _ in 0..nodes {
                let kind = read_count(input)?;
                if kind == PLAIN {
                    match read_string(input, limits.string_bytes)? {
                        // Only what is too long for a packed node stands alone.
                        StringValue::Bytes(bytes) if bytes.is_empty() => return Err(input.complain(BROKEN)),
                        StringValue::Int(number) => push(&mut list, Value::Int(number)),
                        StringValue::Bytes(bytes) => push(&mut list, Value::Bytes(&bytes)),
                    }
                    continue;
                }
                if kind != PACKED {
                    return Err(input.complain(BROKEN));
                }
                list.append_packed(read_packed(input, limits, BROKEN_PACKED)?, limits.list);
            }
        }
    }
    Ok(list)
}
