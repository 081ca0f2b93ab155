//! What joints are, by their names.

/// The half of the face that a joint belongs to, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Middle,
}

/// What a joint's name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JointName {
    /// The name without the side: lower case, parts joined by `_`.
    pub(super) stem: String,
    pub(super) side: Side,
    /// The region of the face; none for joints that carry no shape.
    pub(super) region: Option<&'static str>,
}

/// Parts of names that tell nothing.
const FILLERS: [&str; 16] = [
    "def",
    "jnt",
    "joint",
    "bone",
    "bn",
    "bind",
    "skin",
    "facial",
    "face",
    "mixamorig",
    "rig",
    "org",
    "mch",
    "c",
    "m",
    "center",
];
/// Joints that move the body, not the shape of a face.
const BODY: [&str; 25] = [
    "armature", "hips", "pelvis", "spine", "chest", "torso", "body", "shoulder", "clavicle", "arm", "forearm", "hand",
    "leg", "thigh", "shin", "foot", "toe", "finger", "thumb", "tongue", "teeth", "tooth", "gaze", "eyeball", "ik",
];
/// Joints that animation drives when nothing but a number or an end stands beside them.
const ANIMATED: [&str; 5] = ["root", "head", "neck", "jaw", "mandible"];
const ENDS: [&str; 6] = ["end", "top", "upper", "lower", "base", "tip"];
/// The words of each region; the first that fits counts.
const REGIONS: [(&str, &[&str]); 12] = [
    ("brow", &["brow", "eyebrow", "brows"]),
    ("cheek", &["nasolabial", "cheek", "cheekbone", "zygoma", "zygomatic", "malar"]),
    ("eye", &["eye", "eyelid", "lid", "orbit", "canthus", "socket", "eyes"]),
    ("nose", &["nose", "nostril", "nasal", "septum"]),
    ("mouth", &["lip", "lips", "mouth", "philtrum"]),
    ("chin", &["chin", "mental", "submental"]),
    ("jaw", &["jaw", "mandible", "jawline"]),
    ("ear", &["ear", "lobe", "earlobe"]),
    ("forehead", &["forehead", "temple", "glabella", "frontal"]),
    ("skull", &["skull", "cranium", "scalp", "occiput", "mastoid", "crown"]),
    ("neck", &["neck", "nape", "throat"]),
    ("head", &["head"]),
];

impl JointName {
    pub(super) fn new(name: &str) -> Self {
        let mut side = Side::Middle;
        let mut parts = Vec::new();
        for part in parts_of(name) {
            match part.as_str() {
                "l" | "left" | "lf" | "lt" if side == Side::Middle => side = Side::Left,
                "r" | "right" | "rt" if side == Side::Middle => side = Side::Right,
                _ => parts.push(part),
            }
        }
        if parts.iter().any(|part| !FILLERS.contains(&part.as_str()) && !is_number(part)) {
            parts.retain(|part| !FILLERS.contains(&part.as_str()));
        }
        let region = region_of(&parts, side);
        let stem = if parts.is_empty() { "bone".into() } else { parts.join("_") };
        Self { stem, side, region }
    }
}

fn region_of(parts: &[String], side: Side) -> Option<&'static str> {
    let words: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !is_number(part)).collect();
    let bare: Vec<&str> = words.iter().copied().filter(|word| !ENDS.contains(word)).collect();
    let animated = side == Side::Middle && matches!(bare[..], [word] if ANIMATED.contains(&word));
    if animated || words.iter().any(|word| BODY.contains(word)) {
        return None;
    }
    let of = |known: &[&str]| words.iter().any(|word| known.contains(word));
    REGIONS.iter().find(|(_, known)| of(known)).map(|(region, _)| *region).filter(|region| *region != "head")
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits at signs, before capitals and around numbers: `Brow_InnerL02` is brow, inner, l, 02.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut before = ' ';
    for char in name.chars() {
        let breaks = !char.is_ascii_alphanumeric()
            || (char.is_ascii_uppercase() && !before.is_ascii_uppercase())
            || char.is_ascii_digit() != before.is_ascii_digit();
        if breaks && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if char.is_ascii_alphanumeric() {
            part.push(char.to_ascii_lowercase());
        }
        before = char;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_ways_of_naming_are_understood() {
        let cases = [
            ("brow_inner.L", "brow_inner", Side::Left, Some("brow")),
            ("R_Brow_Inner_JNT", "brow_inner", Side::Right, Some("brow")),
            ("mixamorig:LeftEye", "eye", Side::Left, Some("eye")),
            ("DEF-lip.T.R.001", "lip_t_001", Side::Right, Some("mouth")),
            ("FACIAL_C_NoseTip", "nose_tip", Side::Middle, Some("nose")),
            ("LidUpperR", "lid_upper", Side::Right, Some("eye")),
            ("nasolabial_l", "nasolabial", Side::Left, Some("cheek")),
            ("Jaw", "jaw", Side::Middle, None),
            ("jaw_angle_r", "jaw_angle", Side::Right, Some("jaw")),
            ("neck_01", "neck_01", Side::Middle, None),
            ("neck_front", "neck_front", Side::Middle, Some("neck")),
            ("nose_root", "nose_root", Side::Middle, Some("nose")),
            ("Head", "head", Side::Middle, None),
            ("forearm.L", "forearm", Side::Left, None),
            ("Bone.004", "bone_004", Side::Middle, None),
        ];
        for (name, stem, side, region) in cases {
            assert_eq!(JointName::new(name), JointName { stem: stem.into(), side, region }, "{name}");
        }
    }
}
