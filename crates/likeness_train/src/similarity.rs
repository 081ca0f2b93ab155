//! Chains of similarities.

use likeness_rig::similarity::Similarity;

/// First `first`, then `second`.
pub fn then(first: &Similarity, second: &Similarity) -> Similarity {
    let shift = second.apply(glam::Vec2::new(first.tx, first.ty));
    Similarity {
        a: second.a * first.a - second.b * first.b,
        b: second.a * first.b + second.b * first.a,
        tx: shift.x,
        ty: shift.y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_applies_one_after_the_other() {
        let first = Similarity { a: 1.2, b: 0.3, tx: 4.0, ty: -2.0 };
        let second = Similarity { a: 0.7, b: -0.5, tx: 1.0, ty: 9.0 };
        let point = glam::Vec2::new(3.0, 5.0);
        assert!(then(&first, &second).apply(point).distance(second.apply(first.apply(point))) < 1e-4);
    }
}
