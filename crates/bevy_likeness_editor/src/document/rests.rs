//! How far joints rest from where the meshes have them.

use std::collections::BTreeMap;

use glam::Vec3;

/// The furthest that a rest place is moved between two saves, metres.
pub const MOST_REST_MOVE: f32 = 0.05;
/// Less than this is no move, metres.
const NOTHING: f32 = 1e-6;

/// Moves of joints' rest places, metres in the mesh's space, by the joint's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestMoves(BTreeMap<String, Vec3>);

impl RestMoves {
    /// How far a joint moves.
    pub fn of(&self, joint: &str) -> Vec3 {
        self.0.get(joint).copied().unwrap_or(Vec3::ZERO)
    }

    /// The joints that move, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Vec3)> {
        self.0.iter().map(|(joint, by)| (joint.as_str(), *by))
    }

    /// Whether no joint moves.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set(&mut self, joint: &str, by: Vec3) {
        if by.length() < NOTHING {
            self.0.remove(joint);
        } else {
            self.0.insert(joint.to_owned(), by);
        }
    }

    /// What is left to do when `before` has been done.
    pub(super) fn since(&self, before: &Self) -> Self {
        let mut left = self.clone();
        for (joint, by) in before.iter() {
            left.set(joint, self.of(joint) - by);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_undoes_what_was_taken_back() {
        let (mut before, mut now) = (RestMoves::default(), RestMoves::default());
        before.set("a", Vec3::X);
        before.set("b", Vec3::Y);
        now.set("b", Vec3::Y);
        now.set("c", Vec3::Z);
        let left: Vec<_> = now.since(&before).iter().map(|(joint, by)| (joint.to_owned(), by)).collect();
        assert_eq!(left, [("a".to_owned(), -Vec3::X), ("c".to_owned(), Vec3::Z)]);
        assert!(now.since(&now).is_empty());
    }
}
