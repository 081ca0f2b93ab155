//! The networks of bevy_likeness on candle, with their CPU kernels and weight files.
