//! Geographic indexes: sorted sets whose scores are places.
