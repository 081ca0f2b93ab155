//! What is being edited: the head, its rig's document, and how changes reach the game.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use bevy::asset::AssetPath;
use bevy::prelude::*;
use bevy_likeness::{Face, HeadJoints, HeadReady, LikenessHead, RigAsset};
use likeness_rig::draft::{Draft, DraftOptions, move_rest_places};
use likeness_rig::{HeadMesh, RangeCheck, RangeFault, write_atomic};

use crate::LikenessEditorSettings;
use crate::document::RigDocument;
use crate::panel::{ImportFields, PanelState, Request};

/// The editor's state.
#[derive(Resource, Debug)]
pub struct LikenessEditor {
    /// Whether the editor is shown.
    pub open: bool,
    /// What its window shows.
    pub panel: PanelState,
    pub(crate) head: Option<Entity>,
    pub(crate) document: Option<RigDocument>,
    pub(crate) hovered: Option<usize>,
    pub(crate) check: Check,
    /// The file of the rig that did not open.
    pub(crate) refused: Option<PathBuf>,
    folder: PathBuf,
    mesh: Option<HeadMesh>,
    /// The document's revision that the game shows.
    shown: u64,
    /// Heads whose faces are in the order of names that the rig had before.
    stale: HashMap<Entity, Vec<String>>,
    work: Option<Work>,
}

/// A change of files on a thread of its own: it ends with what to tell.
#[derive(Debug)]
struct Work {
    thread: JoinHandle<Result<Vec<String>, String>>,
    /// The assets that are then taken in anew.
    changed: Vec<AssetPath<'static>>,
}

/// What is known of the chosen slider's range.
#[derive(Debug, Default)]
pub(crate) struct Check {
    of: Option<(usize, u64)>,
    pub(crate) faults: Vec<RangeFault>,
    pub(crate) moved: Option<(usize, usize)>,
}

/// A vertex that moves further than this is moved, metres.
const MOVED: f32 = 5e-5;

impl LikenessEditor {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            open: false,
            panel: PanelState::default(),
            head: None,
            document: None,
            hovered: None,
            check: Check::default(),
            refused: None,
            folder,
            mesh: None,
            shown: 0,
            stale: HashMap::new(),
            work: None,
        }
    }

    /// The head that is edited, once the editor has been opened.
    pub fn head(&self) -> Option<Entity> {
        self.head
    }

    /// The rig that is edited, once the editor has been opened.
    pub fn document(&self) -> Option<&RigDocument> {
        self.document.as_ref()
    }

    pub(crate) fn is_working(&self) -> bool {
        self.work.is_some()
    }

    /// Opens the rig of a head.
    fn take(&mut self, head: Entity, path: &Path) {
        match RigDocument::open(path) {
            Ok(document) => {
                self.mesh = HeadMesh::load(&path.with_file_name(&document.rig().mesh))
                    .map_err(|error| self.panel.tell(true, format!("ranges are not checked: {error}")))
                    .ok();
                (self.shown, self.head, self.refused) = (document.revision(), Some(head), None);
                (self.document, self.check) = (Some(document), Check::default());
            }
            Err(error) => {
                self.panel.tell(true, error.to_string());
                (self.head, self.refused) = (Some(head), Some(path.to_path_buf()));
            }
        }
    }

    /// Does what the window asks for, but for values of the face.
    pub(crate) fn answer(
        &mut self,
        request: Request,
        server: &AssetServer,
        heads: &Query<&LikenessHead>,
        rigs: &Assets<RigAsset>,
    ) {
        match request {
            Request::Save => self.save(server, heads),
            Request::Reload => {
                if let Some(document) = &mut self.document {
                    match document.reload() {
                        Ok(()) => self.panel.tell(false, "taken in anew"),
                        Err(error) => self.panel.tell(true, error.to_string()),
                    }
                }
            }
            Request::Import(fields) => {
                let thread = std::thread::spawn(move || import(&fields));
                self.work = Some(Work { thread, changed: Vec::new() });
            }
            Request::MoveRest { bone, by } => {
                let head = self.head.and_then(|head| heads.get(head).ok());
                if let Some(asset) = head.and_then(|head| rigs.get(&head.rig)) {
                    self.move_rest(bone, by.into(), asset, server);
                }
            }
            Request::Value { .. } => {}
        }
    }

    /// Moves where a bone and its twin rest, in the head's file and in those of everything that hangs on its joints.
    fn move_rest(&mut self, bone: usize, by: Vec3, asset: &RigAsset, server: &AssetServer) {
        let Some(document) = &self.document else { return };
        let rig = document.rig();
        let Some(described) = rig.bones.get(bone) else { return };
        let mut joints = vec![(described.joint.clone(), by)];
        let twin = rig.bones.iter().find(|other| Some(&other.name) == described.mirror.as_ref());
        joints.extend(twin.map(|twin| (twin.joint.clone(), by * Vec3::new(-1.0, 1.0, 1.0))));
        let files: BTreeSet<&String> =
            std::iter::once(&rig.mesh).chain(rig.options.iter().flat_map(|option| option.meshes.values())).collect();
        let files: Vec<PathBuf> = files.into_iter().map(|file| document.path().with_file_name(file)).collect();
        let name = described.name.clone();
        let thread = std::thread::spawn(move || {
            for path in &files {
                let told = path.display().to_string();
                let bytes = std::fs::read(path).map_err(|error| format!("{told}: {error}"))?;
                move_rest_places(&bytes, &joints, &told)
                    .and_then(|bytes| write_atomic(path, &bytes))
                    .map_err(|error| error.to_string())?;
            }
            Ok(vec![format!("moved where {name} rests, in {} files", files.len())])
        });
        let mesh = server.get_path(&asset.mesh).map(AssetPath::into_owned);
        let changed = mesh.into_iter().chain(asset.option_meshes.values().cloned()).collect();
        self.work = Some(Work { thread, changed });
    }

    fn save(&mut self, server: &AssetServer, heads: &Query<&LikenessHead>) {
        let Some(document) = &mut self.document else { return };
        match document.save() {
            Ok(saved) => {
                let file = document.path().display().to_string();
                self.panel.tell(false, format!("saved {file}"));
                for notice in saved.notices {
                    self.panel.tell(false, notice);
                }
                // The game now reads what it will read when it starts anew.
                let handle = self.head.and_then(|head| heads.get(head).ok()).map(|head| &head.rig);
                if let Some(path) = handle.and_then(|rig| server.get_path(rig)) {
                    server.reload(path);
                }
            }
            Err(error) => self.panel.tell(true, error.to_string()),
        }
    }
}

/// Drafts a rig; gives what to tell.
fn import(fields: &ImportFields) -> Result<Vec<String>, String> {
    let unit = match fields.unit.trim() {
        "" => None,
        text => {
            let unit = text.parse::<f32>().ok().filter(|unit| unit.is_finite() && *unit > 0.0);
            Some(unit.ok_or_else(|| format!("Unit: {text:?} is no number of metres"))?)
        }
    };
    let rig = Path::new(fields.rig.trim());
    if rig.exists() {
        return Err(format!("{} exists: choose another name", rig.display()));
    }
    let bytes = std::fs::read(fields.head.trim()).map_err(|error| format!("{}: {error}", fields.head))?;
    let options = DraftOptions { unit, ..DraftOptions::default() };
    let mut draft = Draft::from_glb(&bytes, fields.head.trim(), &options).map_err(|error| error.to_string())?;
    draft.save(rig).map_err(|error| error.to_string())?;
    let told = draft.notices.iter().map(ToString::to_string);
    let (bones, sliders) = (draft.rig.bones.len(), draft.rig.parameters.len());
    Ok(told.chain([format!("wrote {}: {bones} bones, {sliders} sliders", rig.display())]).collect())
}

pub(crate) fn is_open(editor: Res<LikenessEditor>) -> bool {
    editor.open && editor.document.is_some()
}

pub(crate) fn toggle(
    keys: Option<Res<ButtonInput<KeyCode>>>,
    settings: Res<LikenessEditorSettings>,
    mut editor: ResMut<LikenessEditor>,
) {
    if keys.is_some_and(|keys| keys.just_pressed(settings.toggle_key)) {
        editor.open = !editor.open;
        (editor.hovered, editor.panel.sweeping) = (None, false);
    }
}

/// Edits the first head that there is, and another one when it has gone.
pub(crate) fn choose_head(
    mut editor: ResMut<LikenessEditor>,
    heads: Query<(Entity, &LikenessHead), With<HeadJoints>>,
    server: Res<AssetServer>,
) {
    if !editor.open {
        return;
    }
    let path_of = |rig: &Handle<RigAsset>| server.get_path(rig).map(|path| path.path().to_path_buf());
    let kept = editor.head.and_then(|head| heads.get(head).ok());
    let Some((head, likeness)) = kept.or_else(|| heads.iter().next()) else { return };
    let Some(path) = path_of(&likeness.rig).map(|path| editor.folder.join(path)) else { return };
    let known = editor.document.as_ref().map(RigDocument::path) == Some(path.as_path());
    if editor.head != Some(head) && known {
        editor.head = Some(head);
    } else if !known && editor.refused.as_ref() != Some(&path) {
        editor.take(head, &path);
    }
}

/// Shows an edited rig in the game.
pub(crate) fn show_rig(
    mut editor: ResMut<LikenessEditor>,
    heads: Query<(Entity, &LikenessHead)>,
    mut rigs: ResMut<Assets<RigAsset>>,
) {
    let editor = editor.bypass_change_detection();
    let Some(document) = editor.document.as_ref().filter(|document| document.revision() != editor.shown) else {
        return;
    };
    editor.shown = document.revision();
    let Some((_, edited)) = editor.head.and_then(|head| heads.get(head).ok()) else { return };
    let Some(mut asset) = rigs.get_mut(&edited.rig) else { return };
    let before: Vec<String> = asset.rig().parameter_names().map(str::to_owned).collect();
    if let Err(problem) = asset.set_rig(document.rig().clone()) {
        editor.panel.tell(true, problem.to_string());
        return;
    }
    if !document.rig().parameter_names().eq(before.iter().map(String::as_str)) {
        for (entity, _) in heads.iter().filter(|(_, head)| head.rig == edited.rig) {
            // A head that is not there again yet keeps the names that its face is in the order of.
            editor.stale.entry(entity).or_insert_with(|| before.clone());
        }
    }
}

/// Heads come again with the edited rig: their faces keep the values of the sliders that stayed.
pub(crate) fn remap_faces(
    ready: On<HeadReady>,
    mut editor: ResMut<LikenessEditor>,
    mut heads: Query<(&LikenessHead, &mut Face)>,
    rigs: Res<Assets<RigAsset>>,
) {
    let Some(names) = editor.stale.remove(&ready.entity) else { return };
    let Ok((head, mut face)) = heads.get_mut(ready.entity) else { return };
    let Some(rig) = rigs.get(&head.rig).map(RigAsset::rig) else { return };
    let value =
        |name: &String| names.iter().position(|known| known == name).and_then(|index| face.parameters.get(index));
    let parameters = rig.parameters.iter().map(|parameter| {
        let former = parameter.renamed_from.iter().rev();
        std::iter::once(&parameter.name).chain(former).find_map(value).copied().unwrap_or(0.5)
    });
    face.parameters = parameters.collect();
}

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

/// Tells how a change of files ended, and shows it.
pub(crate) fn finish_work(mut editor: ResMut<LikenessEditor>, server: Res<AssetServer>) {
    let editor = editor.bypass_change_detection();
    let Some(work) = editor.work.take_if(|work| work.thread.is_finished()) else { return };
    match work.thread.join() {
        Ok(Ok(lines)) => {
            for path in work.changed {
                server.reload(path);
            }
            // The check of ranges reads the mesh itself.
            if let Some(document) = &editor.document {
                editor.mesh = HeadMesh::load(&document.path().with_file_name(&document.rig().mesh)).ok();
                editor.check = Check::default();
            }
            lines.into_iter().for_each(|line| editor.panel.tell(false, line));
        }
        Ok(Err(problem)) => editor.panel.tell(true, problem),
        Err(_) => editor.panel.tell(true, "the work failed inside; please report the file"),
    }
}
