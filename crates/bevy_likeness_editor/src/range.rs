//! The range of the chosen slider: whether the skin stays whole over it, and a look at all of it.

use bevy::prelude::*;
use bevy_likeness::Face;
use likeness_rig::{RangeCheck, RangeFault};

use crate::LikenessEditorSettings;
use crate::session::LikenessEditor;

/// What is known of the chosen slider's range.
#[derive(Debug, Default)]
pub(crate) struct Check {
    of: Option<(usize, u64)>,
    pub(crate) faults: Vec<RangeFault>,
    pub(crate) moved: Option<(usize, usize)>,
}

/// A vertex that moves further than this is moved, metres.
const MOVED: f32 = 5e-5;

/// Checks the chosen slider's range whenever it changes.
pub(crate) fn check_range(mut editor: ResMut<LikenessEditor>) {
    let editor = editor.bypass_change_detection();
    let (Some(document), Some(mesh), true) = (&editor.document, &editor.mesh, editor.open) else { return };
    let of = editor.panel.slider.map(|slider| (slider, document.revision()));
    if editor.check.of == of {
        return;
    }
    editor.check = Check { of, ..Check::default() };
    let Some((slider, _)) = of else { return };
    match RangeCheck::new(document.rig(), mesh) {
        Ok(check) => {
            let movement = check.movement(slider);
            editor.check.moved = Some((movement.iter().filter(|moved| **moved > MOVED).count(), movement.len()));
            editor.check.faults = check.faults(slider);
        }
        Err(error) => editor.panel.tell(true, error.to_string()),
    }
}

/// Runs the chosen slider through its range.
pub(crate) fn sweep(
    editor: Res<LikenessEditor>,
    settings: Res<LikenessEditorSettings>,
    time: Res<Time>,
    mut faces: Query<&mut Face>,
    mut before: Local<Option<(Entity, usize, f32)>>,
) {
    let chosen = editor.panel.slider.filter(|_| editor.panel.sweeping).zip(editor.head);
    // Once a slider is no longer tested it goes back to where it was.
    if let Some((head, slider, value)) = before.take_if(|(head, slider, _)| chosen != Some((*slider, *head)))
        && let Some(place) = faces.get_mut(head).ok().as_mut().and_then(|face| face.parameters.get_mut(slider))
    {
        *place = value;
    }
    let Some((slider, head)) = chosen else { return };
    let Ok(mut face) = faces.get_mut(head) else { return };
    let Some(place) = face.parameters.get_mut(slider) else { return };
    before.get_or_insert((head, slider, *place));
    let phase = time.elapsed_secs() / settings.sweep_seconds.max(0.1);
    *place = 0.5 - 0.5 * (phase * std::f32::consts::TAU).cos();
}
