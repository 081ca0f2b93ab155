//! A Bevy plugin that turns one photo into a playable character that looks like the person.
