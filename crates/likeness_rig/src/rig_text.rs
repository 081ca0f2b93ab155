//! Rig files changed in place: comments, order, layout and numbers that did not change stay as they were written.
//!
//! [`updated`] takes a file's text and the rig that it should hold from now on. Only what differs is written anew; a rig
//! that did not change gives the very same bytes.

mod merge;
mod scan;

use crate::{Result, Rig, RigError};

/// The text of a rig file after its rig became `rig`; `source` names the file in messages.
///
/// Entries of lists are known by their names (drives by bone and channel), so that parameters can be added, removed, moved
/// and renamed (with the old name in [`crate::Parameter::renamed_from`]). What stands before an entry or behind its comma
/// goes with it.
///
/// # Errors
/// The errors of [`Rig::from_ron`] for a text that is no rig and for a rig that does not validate; [`RigError::Syntax`] for
/// a text whose notation cannot be changed in place.
pub fn updated(text: &str, rig: &Rig, source: &str) -> Result<String> {
    if Rig::from_ron(text, source)? == *rig {
        return Ok(text.to_owned());
    }
    rig.validate(source)?;
    let canonical = rig.to_ron()?;
    let unreadable = |problem: &str| RigError::Syntax {
        file: source.into(),
        problem: format!("cannot be changed in place ({problem})"),
    };
    let (old, new) = (scan::scan(text).map_err(unreadable)?, scan::scan(&canonical).map_err(unreadable)?);
    let updated = merge::Merge { old_text: text, new_text: &canonical }.document(&old, &new);
    // The file must hold exactly the rig that was asked for.
    if Rig::from_ron(&updated, source)? != *rig {
        return Err(unreadable("the result would read differently"));
    }
    Ok(updated)
}

#[cfg(test)]
mod tests;
