//! Designers' tools for the face rigs of `bevy_likeness`, inside the running game.
//!
//! Add [`LikenessEditorPlugin`] to a game that has the `LikenessPlugin` and bevy_egui's `EguiPlugin`, and press F10:
//! the bones of a head are drawn on its face, can be dragged, and the sliders of its rig edited and saved.
//!
//! ```no_run
//! use bevy::prelude::*;
//! use bevy_egui::EguiPlugin;
//! use bevy_likeness::prelude::*;
//! use bevy_likeness_editor::LikenessEditorPlugin;
//!
//! App::new()
//!     .add_plugins((DefaultPlugins, EguiPlugin::default(), LikenessPlugin, LikenessEditorPlugin::default()))
//!     .run();
//! ```
//!
//! # What it does
//!
//! - Bones are rings on the face; the pointer shows a bone's name, and a click chooses it. *Influence* colours the skin by the
//!   weights of the chosen bone or slider.
//! - Dragging the chosen bone's handles moves, turns or scales it (G, R, S). The change goes to the face (the sliders that
//!   drive the bone follow, within their ranges), to the chosen slider (its drives follow) or to where the bone rests, which
//!   the heads show at once and a save writes into their meshes.
//! - Sliders are searched, added, renamed, grouped, mapped to bones' channels and tested over their range; a range that turns
//!   or crosses the skin is reported while it is edited.
//! - Saving changes only what differs in the `.rig.ron` file ([`likeness_rig::rig_text`]), and the game takes it in at once.
//!   Faces saved before still load: former names of sliders are remembered.
//!
//! [`RigDocument`] and [`panel`] know nothing of Bevy and serve other tools as well.

mod browse;
mod camera;
pub mod document;
mod grab;
mod handles;
mod heat;
mod keys;
pub mod panel;
mod preview;
mod range;
mod session;
mod skeleton;
mod window;
mod work;

use bevy::asset::io::file::FileAssetReader;
use bevy::prelude::*;
use bevy::transform::TransformSystems;
use bevy::window::FileDragAndDrop;
use bevy_egui::EguiPrimaryContextPass;
use bevy_likeness::LikenessSystems;

pub use document::{DiffLine, Edit, EditError, RestMoves, RigDocument, Saved, Saving};
pub use handles::EditorGizmos;
pub use session::LikenessEditor;

/// How the editor is used.
#[derive(Resource, Reflect, Clone, Debug, PartialEq)]
#[reflect(Resource, Debug, Clone, PartialEq)]
pub struct LikenessEditorSettings {
    /// The key that opens and closes the editor.
    pub toggle_key: KeyCode,
    /// The key for moving bones, while the editor is open.
    pub move_key: KeyCode,
    /// The key for turning bones.
    pub turn_key: KeyCode,
    /// The key for scaling bones.
    pub scale_key: KeyCode,
    /// How near the pointer must be to a bone to show it, logical pixels.
    pub reach: f32,
    /// How long a slider that is tested takes through its range and back, seconds.
    pub sweep_seconds: f32,
}

impl Default for LikenessEditorSettings {
    fn default() -> Self {
        Self {
            toggle_key: KeyCode::F10,
            move_key: KeyCode::KeyG,
            turn_key: KeyCode::KeyR,
            scale_key: KeyCode::KeyS,
            reach: 16.0,
            sweep_seconds: 2.5,
        }
    }
}

impl LikenessEditorSettings {
    /// The keys of the tools in the order of [`panel::Tool::ALL`].
    fn tool_keys(&self) -> [KeyCode; 3] {
        [self.move_key, self.turn_key, self.scale_key]
    }
}

/// Adds the editor; needs `LikenessPlugin` and bevy_egui's `EguiPlugin`.
#[derive(Clone, Debug, Default)]
pub struct LikenessEditorPlugin {
    /// The settings to begin with.
    pub settings: LikenessEditorSettings,
}

/// The editor's systems, in the schedules [`Update`], [`EguiPrimaryContextPass`] and [`PostUpdate`].
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LikenessEditorSystems;

impl Plugin for LikenessEditorPlugin {
    fn build(&self, app: &mut App) {
        if !app.is_plugin_added::<TransformGizmoPlugin>() {
            app.add_plugins(TransformGizmoPlugin).add_systems(PostStartup, grab::begin_gizmo);
            // Without settings at startup Bevy spawns no meshes for the gizmo, which need a camera of their own that hides the
            // game's picture: the editor draws the handles itself.
            app.world_mut().remove_resource::<TransformGizmoSettings>();
        }
        let folder =
            app.get_added_plugins::<AssetPlugin>().first().map_or("assets", |plugin| &plugin.file_path).to_owned();
        app.insert_resource(self.settings.clone())
            .insert_resource(LikenessEditor::new(FileAssetReader::get_base_path().join(folder)))
            .init_resource::<browse::HeadDialog>()
            // Games without windows have none.
            .add_message::<FileDragAndDrop>()
            .init_gizmo_group::<EditorGizmos>()
            .add_observer(session::remap_faces)
            .add_systems(Startup, (handles::configure, grab::spawn_handle))
            .add_systems(PreUpdate, camera::appoint)
            .add_systems(
                Update,
                (
                    keys::toggle,
                    session::choose_head,
                    session::finish_work,
                    (
                        keys::choose_tool,
                        grab::yield_to_window,
                        browse::take_dropped,
                        handles::find_hovered,
                        handles::choose,
                        grab::drag,
                        range::sweep,
                    )
                        .chain()
                        .run_if(session::is_open),
                    session::show_rig,
                    range::check_range,
                )
                    .chain()
                    .in_set(LikenessEditorSystems),
            )
            .add_systems(EguiPrimaryContextPass, window::show.in_set(LikenessEditorSystems))
            .add_systems(
                PostUpdate,
                (
                    preview::show.after(LikenessSystems::Apply).before(TransformSystems::Propagate),
                    heat::show.after(LikenessSystems::Express).before(TransformSystems::Propagate),
                    // Heads may have come anew in this frame: their joints' places are known now.
                    (grab::place_handle, grab::draw, handles::draw).after(TransformSystems::Propagate),
                )
                    .in_set(LikenessEditorSystems),
            );
    }
}
