//! Headless rendering of faces and their label passes with Bevy.
