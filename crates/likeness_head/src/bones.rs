//! The shape bones: names, places, regions and words for people.

use crate::error::{HeadError, Result};

/// One shape bone, or a pair of them.
#[derive(Clone, Copy, Debug)]
pub struct BoneSeed {
    /// Name without the side.
    pub name: &'static str,
    /// Base-mesh vertex of the bone's rest place: on the midline, or on the left of a pair.
    pub vertex: u32,
    /// Whether there is one on either side.
    pub pair: bool,
    /// Region of the face in the parameters' list.
    pub region: &'static str,
    /// The part's name in parameter names, after the region.
    pub part: &'static str,
    /// The part's name in captions.
    pub words: &'static str,
}

const fn mid(
    name: &'static str,
    vertex: u32,
    region: &'static str,
    part: &'static str,
    words: &'static str,
) -> BoneSeed {
    BoneSeed { name, vertex, pair: false, region, part, words }
}

const fn pair(
    name: &'static str,
    vertex: u32,
    region: &'static str,
    part: &'static str,
    words: &'static str,
) -> BoneSeed {
    BoneSeed { name, vertex, pair: true, region, part, words }
}

/// All shape bones but the eyes.
#[rustfmt::skip]
pub const SEEDS: &[BoneSeed] = &[
    mid("forehead_mid", 3750, "forehead", "middle", "Middle of the forehead"),
    mid("glabella", 227, "brow", "glabella", "Between the brows"),
    mid("forehead_high_mid", 5243, "forehead", "hairline", "Top of the forehead"),
    pair("forehead", 7437, "forehead", "side", "Sides of the forehead"),
    pair("temple", 7040, "forehead", "temple", "Temples"),
    pair("brow_inner", 6983, "brow", "inner", "Inner brows"),
    pair("brow_mid", 6996, "brow", "middle", "Middle of the brows"),
    pair("brow_outer", 7031, "brow", "outer", "Outer brows"),
    pair("orbit_low", 11857, "eye", "under", "Under the eyes"),
    pair("orbit_outer", 6985, "eye", "outer_socket", "Beside the eyes"),
    pair("lid_upper", 11465, "eye", "upper_lid", "Upper lids"),
    pair("lid_lower", 6828, "eye", "lower_lid", "Lower lids"),
    pair("eye_inner", 6850, "eye", "inner_corner", "Inner eye corners"),
    pair("eye_outer", 6805, "eye", "outer_corner", "Outer eye corners"),
    mid("nose_root", 132, "nose", "root", "Root of the nose"),
    mid("nose_bridge", 131, "nose", "bridge", "Bridge of the nose"),
    mid("nose_mid", 201, "nose", "ridge", "Middle of the nose"),
    mid("nose_tip", 5054, "nose", "tip", "Tip of the nose"),
    mid("nose_septum", 317, "nose", "septum", "Septum"),
    pair("nose_side", 11860, "nose", "side", "Sides of the nose"),
    pair("nose_wing", 11685, "nose", "wing", "Wings of the nose"),
    pair("cheekbone", 6994, "cheek", "bone", "Cheekbones"),
    pair("zygoma_side", 11798, "cheek", "zygoma", "Sides of the cheekbones"),
    pair("cheek", 11767, "cheek", "middle", "Cheeks"),
    pair("cheek_low", 11837, "cheek", "low", "Lower cheeks"),
    pair("nasolabial", 11925, "cheek", "fold", "Folds beside the nose"),
    mid("philtrum", 5342, "mouth", "philtrum", "Philtrum"),
    mid("lip_upper_mid", 466, "mouth", "upper_lip", "Middle of the upper lip"),
    mid("lip_lower_mid", 495, "mouth", "lower_lip", "Middle of the lower lip"),
    pair("lip_upper", 11953, "mouth", "upper_lip_side", "Sides of the upper lip"),
    pair("lip_lower", 7239, "mouth", "lower_lip_side", "Sides of the lower lip"),
    pair("lip_corner", 7182, "mouth", "corner", "Corners of the mouth"),
    mid("chin_mid", 5162, "chin", "middle", "Middle of the chin"),
    mid("chin_low", 5296, "chin", "bottom", "Bottom of the chin"),
    pair("chin", 11823, "chin", "side", "Sides of the chin"),
    pair("jaw_line", 7617, "jaw", "line", "Jaw line"),
    pair("jaw_mid", 7455, "jaw", "middle", "Middle of the jaw"),
    pair("jaw_angle", 7614, "jaw", "angle", "Angles of the jaw"),
    pair("ear", 12223, "ear", "middle", "Middle of the ears"),
    pair("ear_upper", 12012, "ear", "top", "Tops of the ears"),
    pair("ear_lobe", 12027, "ear", "lobe", "Ear lobes"),
    mid("skull_top", 879, "skull", "top", "Top of the skull"),
    mid("skull_front", 5554, "skull", "front", "Front of the skull"),
    mid("skull_back", 962, "skull", "back", "Back of the skull"),
    mid("occiput", 948, "skull", "occiput", "Back of the head"),
    pair("skull_side", 7569, "skull", "side", "Sides of the skull"),
    pair("skull_upper", 7566, "skull", "upper", "Upper skull"),
    mid("submental", 783, "neck", "under_chin", "Under the chin"),
    mid("neck_front", 797, "neck", "front", "Front of the neck"),
    mid("neck_back", 858, "neck", "back", "Back of the neck"),
    pair("neck_side", 7476, "neck", "side", "Sides of the neck"),
    pair("mastoid", 11884, "neck", "mastoid", "Behind the ears"),
    pair("nape_side", 7549, "neck", "nape", "Nape"),
];

/// One bone of the finished rig.
#[derive(Clone, Debug)]
pub struct BoneInfo {
    /// Name, which is also the joint's.
    pub name: String,
    /// The opposite bone; its own number on the midline.
    pub mirror: usize,
    /// The base-mesh vertex it rests at; none for the eyes, which rest at the eyeballs' centres.
    pub vertex: Option<u32>,
}

/// The bones in the rig's order: those of [`SEEDS`] (left before right), then `eye.L` and `eye.R`.
pub fn bones(mirror_vertex: &[u32]) -> Vec<BoneInfo> {
    let mut bones = Vec::new();
    for seed in SEEDS {
        let here = bones.len();
        if seed.pair {
            for (side, vertex) in [("L", seed.vertex), ("R", mirror_vertex[seed.vertex as usize])] {
                bones.push(BoneInfo {
                    name: format!("{}.{side}", seed.name),
                    mirror: here + usize::from(side == "L"),
                    vertex: Some(vertex),
                });
            }
        } else {
            bones.push(BoneInfo { name: seed.name.to_owned(), mirror: here, vertex: Some(seed.vertex) });
        }
    }
    let here = bones.len();
    for (side, mirror) in [("L", here + 1), ("R", here)] {
        bones.push(BoneInfo { name: format!("eye.{side}"), mirror, vertex: None });
    }
    bones
}

/// The number of the bone called `name`.
///
/// # Errors
/// If there is none.
pub fn index_of(bones: &[BoneInfo], name: &str) -> Result<usize> {
    bones
        .iter()
        .position(|bone| bone.name == name)
        .ok_or_else(|| HeadError::Mesh { what: format!("bone {name}"), problem: "is not in the rig".to_owned() })
}
