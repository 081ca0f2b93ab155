//! Examples and end-to-end tests of bevy_likeness live beside this package.
