//! Undo and redo by snapshots.

/// How many steps can be taken back.
const DEPTH: usize = 200;

/// What has been, what is, and what was taken back.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    past: Vec<T>,
    present: T,
    future: Vec<T>,
}

impl<T: Clone + PartialEq> History<T> {
    /// Begins with a state that cannot be taken back.
    pub(crate) fn new(present: T) -> Self {
        Self { past: Vec::new(), present, future: Vec::new() }
    }

    /// Takes in the state after an edit; many edits become one step when this is called after the last of them. True when
    /// something had changed.
    pub(crate) fn settle(&mut self, current: &T) -> bool {
        if self.present == *current {
            return false;
        }
        self.past.push(std::mem::replace(&mut self.present, current.clone()));
        if self.past.len() > DEPTH {
            self.past.remove(0);
        }
        self.future.clear();
        true
    }

    /// Whether there is something to take back.
    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether something was taken back that can be done again.
    pub(crate) fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// The state before the last step.
    pub(crate) fn undo(&mut self) -> Option<T> {
        let before = self.past.pop()?;
        self.future.push(std::mem::replace(&mut self.present, before));
        Some(self.present.clone())
    }

    /// The state that was taken back last.
    pub(crate) fn redo(&mut self) -> Option<T> {
        let after = self.future.pop()?;
        self.past.push(std::mem::replace(&mut self.present, after));
        Some(self.present.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_back_and_done_again() {
        let mut history = History::new(0);
        assert!(!history.settle(&0), "nothing has changed");
        for step in 1..=3 {
            assert!(history.settle(&step));
        }
        assert_eq!((history.undo(), history.undo()), (Some(2), Some(1)));
        assert_eq!(history.redo(), Some(2));
        assert!(history.settle(&7), "a new edit");
        assert!(!history.can_redo(), "forgets what was taken back");
        assert_eq!((history.undo(), history.undo(), history.undo(), history.undo()), (Some(2), Some(1), Some(0), None));
        assert!(!history.can_undo());
    }

    #[test]
    fn the_oldest_steps_are_forgotten() {
        let mut history = History::new(0);
        for step in 1..=2 * DEPTH {
            history.settle(&step);
        }
        let mut taken = 0;
        while history.undo().is_some() {
            taken += 1;
        }
        assert_eq!(taken, DEPTH);
    }
}
