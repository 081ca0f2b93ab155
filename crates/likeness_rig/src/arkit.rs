//! The names of the expression coefficients.

/// The 52 expression coefficients in ARKit's names and order, from `browDownLeft`.. to `tongueOut`. Each coefficient is
/// 0..1. Left and right are the person's.
pub const ARKIT_NAMES: [&str; 52] = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
];

/// The index of a coefficient in [`ARKIT_NAMES`]; `None` for any other name.
pub fn arkit_index(name: &str) -> Option<usize> {
    ARKIT_NAMES.iter().position(|known| *known == name)
}

/// For each coefficient the one that it becomes in a mirror.
pub fn mirrored_arkit() -> [usize; 52] {
    std::array::from_fn(|i| {
        let name = ARKIT_NAMES[i];
        let swapped = if let Some(stem) = name.strip_suffix("Left") {
            format!("{stem}Right")
        } else if let Some(stem) = name.strip_suffix("Right") {
            format!("{stem}Left")
        } else {
            return i;
        };
        ARKIT_NAMES.iter().position(|other| *other == swapped).unwrap_or(i)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_an_expression_twice_is_nothing() {
        let mirrored = mirrored_arkit();
        assert!((0..52).all(|i| mirrored[mirrored[i]] == i));
        assert!((0..52).filter(|&i| mirrored[i] != i).count() >= 36);
    }
}
