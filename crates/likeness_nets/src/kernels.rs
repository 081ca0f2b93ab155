pub(crate) mod conv;
pub(crate) mod correlate;
pub(crate) mod norm;
