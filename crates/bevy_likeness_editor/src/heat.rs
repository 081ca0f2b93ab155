//! The influence of what is chosen, as colour on the skin.

use bevy::asset::RenderAssetUsages;
use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::mesh::{MeshVertexAttribute, VertexAttributeValues};
use bevy::prelude::*;
use bevy_likeness::{HeadJoints, HeadPart};

use crate::session::LikenessEditor;

/// The part that is coloured.
const SKIN: &str = "skin";
/// What the coloured skin has of the skin. Expressions are left out: it lies over the shape.
const SHARED: [MeshVertexAttribute; 4] =
    [Mesh::ATTRIBUTE_POSITION, Mesh::ATTRIBUTE_NORMAL, Mesh::ATTRIBUTE_JOINT_INDEX, Mesh::ATTRIBUTE_JOINT_WEIGHT];
/// How far the coloured skin is drawn before the skin.
const BIAS: f32 = 200.0;
/// How opaque the greatest influence is.
const OPAQUE: f32 = 0.85;

/// A coloured copy of a part.
#[derive(Component, Debug)]
pub(crate) struct Heat;

/// What the colours show: the bones, and the head's joints of the moment.
type Shown = (Entity, Vec<usize>, Vec<Entity>);

pub(crate) fn show(
    editor: Res<LikenessEditor>,
    heads: Query<&HeadJoints>,
    parts: Query<(&HeadPart, &Mesh3d, &SkinnedMesh)>,
    heats: Query<Entity, With<Heat>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut shown: Local<Option<Shown>>,
    mut commands: Commands,
) {
    let wanted = wanted(&editor).and_then(|(head, bones)| {
        let joints = heads.get(head).ok()?.bones();
        let entities = bones.iter().filter_map(|bone| joints.get(*bone).copied()).collect();
        Some((head, bones, entities))
    });
    if *shown == wanted {
        return;
    }
    for heat in &heats {
        commands.entity(heat).despawn();
    }
    if let Some((head, _, joints)) = &wanted {
        for (part, mesh, skin) in parts.iter().filter(|(part, ..)| part.head == *head && part.name == SKIN) {
            let Some(colored) = meshes.get(&mesh.0).and_then(|mesh| colored(mesh, skin, joints)) else { continue };
            let material = StandardMaterial {
                unlit: true,
                alpha_mode: AlphaMode::Blend,
                depth_bias: BIAS,
                ..StandardMaterial::default()
            };
            commands.spawn((
                Name::new("likeness influence"),
                Heat,
                Mesh3d(meshes.add(colored)),
                MeshMaterial3d(materials.add(material)),
                skin.clone(),
                NoFrustumCulling,
                ChildOf(part.head),
            ));
        }
    }
    *shown = wanted;
}

/// The bones whose influence is to be shown.
fn wanted(editor: &LikenessEditor) -> Option<(Entity, Vec<usize>)> {
    let rig = editor.document.as_ref().filter(|_| editor.open && editor.panel.heat)?.rig();
    let head = editor.head?;
    if let Some(bone) = editor.hovered.or(editor.panel.bone) {
        return Some((head, vec![bone]));
    }
    let parameter = rig.parameters.get(editor.panel.slider?)?;
    let index = |name: &String| rig.bones.iter().position(|bone| bone.name == *name);
    let mut bones: Vec<usize> = Vec::new();
    for drive in &parameter.drives {
        let bone = index(&drive.bone)?;
        let twin = rig.bones[bone].mirror.as_ref().filter(|_| drive.mirror).and_then(index);
        bones.extend([Some(bone), twin].into_iter().flatten());
    }
    bones.sort_unstable();
    bones.dedup();
    Some((head, bones))
}

/// The skin with the weights of some joints as colours.
fn colored(mesh: &Mesh, skin: &SkinnedMesh, joints: &[Entity]) -> Option<Mesh> {
    let Ok(VertexAttributeValues::Uint16x4(indices)) = mesh.try_attribute(Mesh::ATTRIBUTE_JOINT_INDEX) else {
        return None;
    };
    let Ok(VertexAttributeValues::Float32x4(weights)) = mesh.try_attribute(Mesh::ATTRIBUTE_JOINT_WEIGHT) else {
        return None;
    };
    let counts: Vec<bool> = skin.joints.iter().map(|joint| joints.contains(joint)).collect();
    let colors: Vec<[f32; 4]> = indices
        .iter()
        .zip(weights)
        .map(|(indices, weights)| {
            let ours = indices.iter().zip(weights).filter(|(joint, _)| counts.get(usize::from(**joint)) == Some(&true));
            heat_color(ours.map(|(_, weight)| weight).sum())
        })
        .collect();
    let mut colored = Mesh::new(mesh.primitive_topology(), RenderAssetUsages::RENDER_WORLD);
    for attribute in SHARED {
        let values = mesh.try_attribute(attribute).ok()?.clone();
        colored.insert_attribute(attribute, values);
    }
    colored.insert_attribute(Mesh::ATTRIBUTE_COLOR, colors);
    colored.insert_indices(mesh.try_indices().ok()?.clone());
    Some(colored)
}

/// From nothing over blue and yellow to red, linear RGB and opacity.
fn heat_color(weight: f32) -> [f32; 4] {
    const RAMP: [[f32; 3]; 4] = [[0.02, 0.10, 0.60], [0.02, 0.55, 0.45], [1.0, 0.65, 0.05], [0.9, 0.05, 0.02]];
    let place = weight.clamp(0.0, 1.0) * (RAMP.len() - 1) as f32;
    let low = (place as usize).min(RAMP.len() - 2);
    let part = place - low as f32;
    let [r, g, b] = std::array::from_fn(|channel| RAMP[low][channel] * (1.0 - part) + RAMP[low + 1][channel] * part);
    [r, g, b, OPAQUE * (weight * 4.0).clamp(0.0, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_rises_from_clear_to_red() {
        assert_eq!(heat_color(0.0)[3], 0.0);
        let (low, high) = (heat_color(0.1), heat_color(1.0));
        assert!(low[2] > low[0] && high[0] > 5.0 * high[2] && high[3] > low[3]);
        assert_eq!(heat_color(7.0), high);
    }
}
