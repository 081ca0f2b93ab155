//! Parameter gradients that go around candle's graph.
//!
//! candle adds every gradient to a tensor of zeros first. For millions of weights that is more memory traffic than computing
//! them. Inside [`backward`] the fully connected layers hand their gradients over directly.

use std::cell::RefCell;

use candle_core::Tensor;
use candle_core::backprop::GradStore;

use crate::error::Result;

thread_local! {
    /// Parameters with their gradients, while [`backward`] runs on this thread.
    static COLLECTED: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// The same as `loss.backward()`, faster for the networks of this crate.
///
/// # Errors
/// Those of `loss.backward()`.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let before = COLLECTED.replace(Some(Vec::new()));
    let gradients = loss.backward();
    let collected = COLLECTED.replace(before).unwrap_or_default();
    let mut gradients = gradients?;
    for (parameter, gradient) in collected {
        let gradient = match gradients.remove(&parameter) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        gradients.insert(&parameter, gradient);
    }
    Ok(gradients)
}

/// Hands over a variable's gradient where it is collected, and gives it back elsewhere, for candle to add.
pub(crate) fn deposit(parameter: &Tensor, gradient: Tensor) -> Option<Tensor> {
    COLLECTED.with_borrow_mut(|collected| match collected {
        Some(collected) => {
            collected.push((parameter.clone(), gradient));
            None
        }
        None => Some(gradient),
    })
}
