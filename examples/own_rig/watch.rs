//! `--watch`: what the editor shows, and where, so that a test finds what to click. All of it is public: the editor's
//! state, the head's joints seen through the camera, Bevy's gizmo, and what egui tells screen readers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bevy::prelude::*;
use bevy_egui::{EguiContexts, EguiOutput, EguiPrimaryContextPass, PrimaryEguiContext, egui};
use bevy_likeness::prelude::*;
use bevy_likeness_editor::LikenessEditor;
use egui::accesskit::{Node, NodeId, TreeUpdate};
use likeness_rig::write_atomic;
use serde::Serialize;

/// Writes the file whenever something changes.
pub(crate) struct WatchPlugin {
    pub(crate) file: PathBuf,
}

#[derive(Resource)]
struct Watch {
    file: PathBuf,
    written: Seen,
}

/// What the file holds. Places are pixels from the window's top left corner.
#[derive(Default, PartialEq, Serialize)]
struct Seen {
    open: bool,
    tool: String,
    target: String,
    hovered: Option<String>,
    bone: Option<String>,
    slider: Option<String>,
    rig: Option<PathBuf>,
    changed: bool,
    /// The parameters that are not neutral.
    face: BTreeMap<String, f32>,
    /// Moved rest places by joint, metres.
    rests: BTreeMap<String, [f32; 3]>,
    /// Where the bones' joints are.
    bones: BTreeMap<String, [f32; 2]>,
    /// A place on each handle: `move.x`, `turn.x`, ...
    handles: BTreeMap<String, [f32; 2]>,
    /// The middles of widgets: `Button Save`, `TextInput Name`, ...
    widgets: BTreeMap<String, [f32; 2]>,
}

impl Plugin for WatchPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Watch { file: self.file.clone(), written: Seen::default() })
            .add_systems(EguiPrimaryContextPass, tell_screen_readers)
            .add_systems(Last, watch);
    }
}

fn tell_screen_readers(mut contexts: EguiContexts) -> Result {
    contexts.ctx_mut()?.enable_accesskit();
    Ok(())
}

fn watch(
    mut watch: ResMut<Watch>,
    editor: Res<LikenessEditor>,
    heads: Query<(&HeadJoints, &Face)>,
    places: Query<&GlobalTransform>,
    handle: Query<&GlobalTransform, With<TransformGizmoFocus>>,
    gizmo: Option<Res<TransformGizmoSettings>>,
    camera: Single<(&Camera, &GlobalTransform), With<Camera3d>>,
    windows: Query<&EguiOutput, With<PrimaryEguiContext>>,
) {
    let (camera, view) = *camera;
    let pixel = |place: Vec3| camera.world_to_viewport(view, place).ok().map(|pixel| pixel.round().to_array());
    let mut seen = Seen {
        open: editor.open,
        tool: format!("{:?}", editor.panel.tool),
        target: format!("{:?}", editor.panel.target),
        ..Seen::default()
    };
    if let Some(document) = editor.document() {
        let rig = document.rig();
        let bone = |index: Option<usize>| Some(rig.bones.get(index?)?.name.clone());
        (seen.hovered, seen.bone) = (bone(editor.hovered()), bone(editor.panel.bone));
        seen.slider = editor.panel.slider.and_then(|slider| Some(rig.parameters.get(slider)?.name.clone()));
        (seen.rig, seen.changed) = (Some(document.path().to_owned()), document.is_changed());
        seen.rests = document.unsaved_rests().iter().map(|(joint, by)| (joint.to_owned(), by.to_array())).collect();
        if let Some((joints, face)) = editor.head().and_then(|head| heads.get(head).ok()) {
            let values = rig.parameter_names().map(str::to_owned).zip(face.parameters.iter().copied());
            seen.face = values.filter(|(_, value)| *value != 0.5).collect();
            let bones = rig.bones.iter().zip(joints.bones());
            seen.bones = bones
                .filter_map(|(bone, joint)| Some((bone.name.clone(), pixel(places.get(*joint).ok()?.translation())?)))
                .collect();
        }
    }
    if let Some((handle, gizmo)) = handle.single().ok().zip(gizmo) {
        let size = gizmo.screen_scale_factor * view.translation().distance(handle.translation());
        for (name, axis, across) in [("x", Vec3::X, Vec3::Y), ("y", Vec3::Y, Vec3::Z), ("z", Vec3::Z, Vec3::X)] {
            let on_ring = (across + axis.cross(across)).normalize() * gizmo.rotate_ring_radius;
            for (tool, along) in [("move", axis * gizmo.axis_length * 0.7), ("turn", on_ring)] {
                let place = handle.translation() + handle.rotation() * along * size;
                seen.handles.extend(pixel(place).map(|pixel| (format!("{tool}.{name}"), pixel)));
            }
        }
    }
    if let Some(update) = windows.iter().find_map(|output| output.platform_output.accesskit_update.as_ref()) {
        seen.widgets = widgets(update);
    }
    if seen != watch.written {
        let json = serde_json::to_string(&seen).unwrap_or_default();
        match write_atomic(&watch.file, json.as_bytes()) {
            Ok(()) => watch.written = seen,
            Err(error) => warn!("--watch: {error}"),
        }
    }
}

/// The middles of the widgets by role and name.
fn widgets(update: &TreeUpdate) -> BTreeMap<String, [f32; 2]> {
    let nodes: BTreeMap<NodeId, &Node> = update.nodes.iter().map(|(id, node)| (*id, node)).collect();
    let name = |node: &Node| {
        let labels = node.labelled_by().iter().filter_map(|label| nodes.get(label)?.value());
        node.label().or_else(|| labels.into_iter().next()).map(str::to_owned)
    };
    let places = nodes.values().filter_map(|node| {
        let (name, bounds) = (name(node)?, node.bounds()?);
        let middle = [(bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0];
        Some((format!("{:?} {name}", node.role()), middle.map(|coordinate| coordinate as f32)))
    });
    places.collect()
}
