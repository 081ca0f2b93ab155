//! A larger layer that starts from a smaller one and answers as it did.

/// A layer's weights by what they connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides {
    outputs: usize,
    /// Places of a picture that the inputs go through one after the other, each with all its channels.
    places: usize,
    channels: usize,
    /// Values of a filter.
    inner: usize,
}

impl Sides {
    fn new(dims: &[usize], places: usize) -> Option<Self> {
        let (&outputs, rest) = dims.split_first()?;
        let (&inputs, filter) = rest.split_first().unwrap_or((&places, &[]));
        let inner = filter.iter().product();
        (places > 0 && inputs.is_multiple_of(places)).then_some(Self {
            outputs,
            places,
            channels: inputs / places,
            inner,
        })
    }

    fn holds(self, other: Self) -> bool {
        self.outputs >= other.outputs && self.channels >= other.channels && self.inner == other.inner
    }
}

/// The values of a layer of the size `dims` whose first outputs are those of a layer of the size `old_dims`: what its new inputs would
/// add to them is zero, and new outputs stay as in `fresh`. None where the old layer does not fit into the new one. `places` is how
/// many places of a picture a matrix's inputs go through, 1 for all other layers.
///
/// After T. Chen, I. Goodfellow, J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016, with outputs that are
/// new instead of copied.
pub(super) fn widened(
    old: &[f32],
    old_dims: &[usize],
    fresh: &[f32],
    dims: &[usize],
    places: usize,
) -> Option<Vec<f32>> {
    let (from, to) = (Sides::new(old_dims, places)?, Sides::new(dims, places)?);
    if old_dims.len() != dims.len() || old_dims.get(2..) != dims.get(2..) || !to.holds(from) {
        return None;
    }
    let mut out = fresh.to_vec();
    let place = to.channels * to.inner;
    let kept = from.channels * from.inner;
    let rows = out.chunks_exact_mut((to.places * place).max(1)).zip(old.chunks_exact((from.places * kept).max(1)));
    for (row, old) in rows.take(from.outputs) {
        for (place, old) in row.chunks_exact_mut(place.max(1)).zip(old.chunks_exact(kept.max(1))) {
            let (same, new) = place.split_at_mut(kept);
            same.copy_from_slice(old);
            new.fill(0.0);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_outputs_see_old_inputs_alone() {
        let old = [1.0, 2.0, 3.0, 4.0];
        let wide = widened(&old, &[2, 2], &[9.0; 12], &[3, 4], 1);
        assert_eq!(wide, Some(vec![1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]));
        // Two places of one channel each become two places of two.
        let wide = widened(&old, &[2, 2], &[9.0; 8], &[2, 4], 2);
        assert_eq!(wide, Some(vec![1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0, 0.0]));
        let wide = widened(&[1.0, 2.0], &[1, 1, 1, 2], &[9.0; 8], &[2, 2, 1, 2], 1);
        assert_eq!(wide, Some(vec![1.0, 2.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]));
        assert_eq!(widened(&[1.0], &[1], &[9.0; 2], &[2], 1), Some(vec![1.0, 9.0]));
    }

    #[test]
    fn what_does_not_fit_is_left() {
        assert_eq!(widened(&[1.0; 4], &[2, 2], &[9.0; 2], &[1, 2], 1), None);
        assert_eq!(widened(&[1.0; 4], &[2, 2], &[9.0; 3], &[3, 1], 1), None);
        assert_eq!(widened(&[1.0; 9], &[1, 1, 3, 3], &[9.0; 5], &[1, 1, 5, 1], 1), None);
        assert_eq!(widened(&[1.0; 4], &[2, 2], &[9.0; 9], &[3, 3], 2), None);
        assert_eq!(widened(&[1.0; 4], &[4], &[9.0; 4], &[2, 2], 1), None);
    }
}
