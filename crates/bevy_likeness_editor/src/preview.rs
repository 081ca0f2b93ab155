//! Rest places that are not saved yet, shown on the heads in the game.

use bevy::prelude::*;
use bevy_likeness::{Face, HeadJoints, LikenessHead, RigAsset, ShapeOverAnimation};
use likeness_rig::BoneOffset;

use crate::session::LikenessEditor;

/// Places the joints of bones whose rest place moved, after the face has placed them all. Heads whose clips move shape
/// bones show it once it is saved.
pub(crate) fn show(
    editor: Res<LikenessEditor>,
    heads: Query<(&LikenessHead, &HeadJoints, &Face), Without<ShapeOverAnimation>>,
    edited: Query<&LikenessHead>,
    rigs: Res<Assets<RigAsset>>,
    mut transforms: Query<&mut Transform>,
    mut shown: Local<Vec<usize>>,
) {
    let Some((document, skeleton)) = editor.document.as_ref().zip(editor.skeleton.as_ref()) else { return };
    let moves = document.unsaved_rests();
    let bones = &document.rig().bones;
    let moved: Vec<usize> = (0..bones.len()).filter(|bone| moves.of(&bones[*bone].joint) != Vec3::ZERO).collect();
    if moved.is_empty() && shown.is_empty() {
        return;
    }
    let Some(rig) = editor.head.and_then(|head| edited.get(head).ok()).map(|head| &head.rig) else { return };
    let Some(compiled) = rigs.get(rig).map(RigAsset::compiled) else { return };
    for (_, joints, face) in heads.iter().filter(|(head, ..)| head.rig == *rig) {
        // Those that were taken back go to where they were.
        for bone in moved.iter().chain(shown.iter().filter(|bone| !moved.contains(*bone))) {
            let Some(described) = bones.get(*bone) else { continue };
            let shift = skeleton.shift(&described.joint, moves.of(&described.joint));
            let transform = joints.bones().get(*bone).and_then(|joint| transforms.get_mut(*joint).ok());
            if let Some((shift, mut transform)) = shift.zip(transform) {
                let offset = BoneOffset::from_channels(&compiled.channels_of(*bone, &face.parameters));
                let placed = Transform { translation: shift.translation(&offset), ..*transform };
                transform.set_if_neq(placed);
            }
        }
    }
    *shown = moved;
}
