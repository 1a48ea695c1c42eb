//! What a search is asked for: GEOSEARCH's words, and the rows of arguments of the older commands.

use refrain_data::SortedSet;

use super::cell::Point;
use super::members::place;
use super::shape::Shape;
use super::{point, unit};
use crate::call::{Call, Key};
use crate::commands::sorted_set::again;
use crate::double;
use crate::error::{ErrorReply, SYNTAX};

/// A command that searches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GEORADIUS, and the same without storing.
    AroundPoint { stores: bool },
    /// GEORADIUSBYMEMBER, and the same without storing.
    AroundMember { stores: bool },
    /// GEOSEARCH.
    Search,
    /// GEOSEARCHSTORE.
    SearchStore,
}

/// How results are sorted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    None,
    Nearest,
    Farthest,
}

/// A call, read.
pub(super) struct Wanted<'a> {
    pub(super) source: Key<'a>,
    pub(super) is_there: bool,
    middle: Option<Point>,
    shape: Option<Shape>,
    /// Metres in the unit of distances.
    pub(super) metres: f64,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_coordinates: bool,
    pub(super) order: Order,
    /// How many results; 0 for all.
    pub(super) count: usize,
    /// Whichever are found first will do.
    pub(super) any: bool,
    /// Where results go, if they are stored.
    pub(super) destination: Option<Key<'a>>,
    /// Distances are stored as scores.
    pub(super) stores_distances: bool,
}

impl<'a> Wanted<'a> {
    pub(super) fn parse(call: &mut Call<'a>, form: Form) -> Result<Wanted<'a>, ErrorReply> {
        let (source, destination) = match form {
            Form::SearchStore => (call.key(2), Some(call.key(1))),
            _ => (call.key(1), None),
        };
        let mut wanted = Wanted {
            source,
            is_there: call.state.view::<SortedSet>(&source)?.is_some(),
            middle: None,
            shape: None,
            metres: 1.0,
            with_distance: false,
            with_hash: false,
            with_coordinates: false,
            order: Order::None,
            count: 0,
            any: false,
            destination,
            stores_distances: false,
        };
        let options = match form {
            Form::AroundPoint { .. } => {
                wanted.middle = Some(point(call, 2)?);
                wanted.circle(call, 4)?;
                6
            }
            Form::AroundMember { .. } => {
                // Without a set there is nothing to be looked up, and whatever stands for the radius will do.
                if wanted.is_there {
                    wanted.member(call, 2)?;
                    wanted.circle(call, 3)?;
                }
                5
            }
            Form::Search => 2,
            Form::SearchStore => 3,
        };
        wanted.options(call, form, options)?;
        wanted.check(call, form)?;
        Ok(wanted)
    }

    fn options(&mut self, call: &Call<'a>, form: Form, first: usize) -> Result<(), ErrorReply> {
        let searches = matches!(form, Form::Search | Form::SearchStore);
        let stores = matches!(form, Form::AroundPoint { stores: true } | Form::AroundMember { stores: true });
        let (mut by_member, mut by_point, mut by_circle, mut by_box) = (false, false, false, false);
        let mut i = first;
        while i < call.args.len() {
            let left = call.args.len() - i - 1;
            let is = |word: &str| call.args.is(i, word);
            if is("WITHDIST") {
                self.with_distance = true;
            } else if is("WITHHASH") {
                self.with_hash = true;
            } else if is("WITHCOORD") {
                self.with_coordinates = true;
            } else if is("ANY") {
                self.any = true;
            } else if is("ASC") {
                self.order = Order::Nearest;
            } else if is("DESC") {
                self.order = Order::Farthest;
            } else if is("COUNT") && left >= 1 {
                let count = usize::try_from(call.integer(i + 1)?).ok().filter(|count| *count > 0);
                self.count = count.ok_or(ErrorReply::new("ERR COUNT must be > 0"))?;
                i += 1;
            } else if stores && left >= 1 && (is("STORE") || is("STOREDIST")) {
                self.destination = Some(call.key(i + 1));
                self.stores_distances = is("STOREDIST");
                i += 1;
            } else if searches && left >= 1 && !by_point && is("FROMMEMBER") {
                by_member = true;
                self.middle = Some(Point { longitude: 0.0, latitude: 0.0 });
                if self.is_there {
                    self.member(call, i + 1)?;
                }
                i += 1;
            } else if searches && left >= 2 && !by_member && is("FROMLONLAT") {
                by_point = true;
                self.middle = Some(point(call, i + 1)?);
                i += 2;
            } else if searches && left >= 2 && !by_box && is("BYRADIUS") {
                by_circle = true;
                self.circle(call, i + 1)?;
                i += 2;
            } else if searches && left >= 3 && !by_circle && is("BYBOX") {
                by_box = true;
                self.rectangle(call, i + 1)?;
                i += 3;
            } else if form == Form::SearchStore && is("STOREDIST") {
                self.stores_distances = true;
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(())
    }

    fn check(&self, call: &Call<'a>, form: Form) -> Result<(), ErrorReply> {
        let searches = matches!(form, Form::Search | Form::SearchStore);
        if self.destination.is_some() && (self.with_distance || self.with_hash || self.with_coordinates) {
            let who = if searches { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(ErrorReply::owned(format!(
                "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        if searches && self.middle.is_none() {
            let before = "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ";
            return Err(ErrorReply::quoting(before, call.args.at(0), ""));
        }
        if searches && self.shape.is_none() {
            let before = "ERR exactly one of BYRADIUS and BYBOX can be specified for ";
            return Err(ErrorReply::quoting(before, call.args.at(0), ""));
        }
        if self.any && self.count == 0 {
            return Err(ErrorReply::new("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// What is searched in, and around which point. `None` when there is nothing to be searched.
    pub(super) fn search(&self) -> Option<(Point, Shape)> {
        Some((self.middle?, self.shape?)).filter(|_| self.is_there)
    }

    /// The middle is where the member that argument `i` names is.
    fn member(&mut self, call: &Call<'a>, i: usize) -> Result<(), ErrorReply> {
        let found = again(call.state, &self.source).and_then(|set| place(set, call.args.at(i)));
        self.middle = Some(found.ok_or(ErrorReply::new("ERR could not decode requested zset member"))?);
        Ok(())
    }

    /// A radius and its unit, from argument `i` on.
    fn circle(&mut self, call: &Call<'a>, i: usize) -> Result<(), ErrorReply> {
        let radius = double::parse(call.args.at(i)).ok_or(ErrorReply::new("ERR need numeric radius"))?;
        if radius < 0.0 {
            return Err(ErrorReply::new("ERR radius cannot be negative"));
        }
        self.metres = unit(call.args.at(i + 1))?;
        self.shape = Some(Shape::Circle { radius: radius * self.metres });
        Ok(())
    }

    /// A width, a height and their unit, from argument `i` on.
    fn rectangle(&mut self, call: &Call<'a>, i: usize) -> Result<(), ErrorReply> {
        let width = double::parse(call.args.at(i)).ok_or(ErrorReply::new("ERR need numeric width"))?;
        let height = double::parse(call.args.at(i + 1)).ok_or(ErrorReply::new("ERR need numeric height"))?;
        if width < 0.0 || height < 0.0 {
            return Err(ErrorReply::new("ERR height or width cannot be negative"));
        }
        self.metres = unit(call.args.at(i + 2))?;
        self.shape = Some(Shape::Rectangle { width: width * self.metres, height: height * self.metres });
        Ok(())
    }
}
