//! What is being edited: the head, its rig's document, and how changes reach the game.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bevy::asset::AssetPath;
use bevy::prelude::*;
use bevy_likeness::{Face, HeadJoints, HeadReady, LikenessHead, RigAsset};
use likeness_rig::HeadMesh;

use crate::document::{RigDocument, Saved, Saving};
use crate::panel::{PanelState, Request};
use crate::range::Check;
use crate::skeleton::{Shift, Skeleton};
use crate::work::{Outcome, Work};

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
    /// The joints as the mesh file has them.
    pub(crate) skeleton: Option<Skeleton>,
    /// The game's folder of assets.
    pub(crate) folder: PathBuf,
    /// The mesh with the rest places as edited.
    pub(crate) mesh: Option<HeadMesh>,
    /// The document's revision that the game shows.
    shown: u64,
    /// Heads whose faces are in the order of names that the rig had before.
    stale: HashMap<Entity, Vec<String>>,
    work: Option<Work>,
}

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
            skeleton: None,
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

    /// The bone under the pointer, its place in the rig.
    pub fn hovered(&self) -> Option<usize> {
        self.hovered
    }

    /// Where a bone is in the world, `joint` being where its joint is: elsewhere while a moved rest place is not saved.
    pub(crate) fn place_of(&self, bone: usize, joint: &GlobalTransform) -> Vec3 {
        joint.transform_point(self.shift(bone).map_or(Vec3::ZERO, |shift| shift.in_joint))
    }

    /// How the joint of a bone is turned at rest, relative to its parent.
    pub(crate) fn rest_rotation(&self, bone: usize) -> Quat {
        let joint = self.document.as_ref().and_then(|document| document.rig().bones.get(bone)).map(|bone| &bone.joint);
        joint.zip(self.skeleton.as_ref()).map_or(Quat::IDENTITY, |(joint, skeleton)| skeleton.rest_rotation(joint))
    }

    fn shift(&self, bone: usize) -> Option<Shift> {
        let document = self.document.as_ref()?;
        let by = document.unsaved_rest(bone);
        self.skeleton.as_ref()?.shift(&document.rig().bones.get(bone)?.joint, by)
    }

    pub(crate) fn is_working(&self) -> bool {
        self.work.is_some()
    }

    /// Opens the rig of a head.
    fn take(&mut self, head: Entity, path: &Path) {
        match RigDocument::open(path) {
            Ok(document) => {
                (self.shown, self.head, self.refused) = (document.revision(), Some(head), None);
                if self.document.replace(document).is_some() {
                    self.panel.forget_choices();
                }
                self.read_mesh();
            }
            Err(error) => {
                self.panel.tell(true, error.to_string());
                (self.head, self.refused) = (Some(head), Some(path.to_path_buf()));
            }
        }
    }

    /// Reads the mesh of the rig.
    fn read_mesh(&mut self) {
        let Some(document) = &self.document else { return };
        self.mesh = HeadMesh::load(&document.path().with_file_name(&document.rig().mesh))
            .map_err(|error| self.panel.tell(true, format!("ranges are not checked: {error}")))
            .ok();
        self.skeleton = self.mesh.as_ref().map(|mesh| Skeleton::new(mesh.joints.clone()));
        self.check = Check::default();
    }

    /// Does what the window asks for, but for values of the face and the file dialog.
    pub(crate) fn answer(
        &mut self,
        request: Request,
        server: &AssetServer,
        heads: &Query<&LikenessHead>,
        commands: &mut Commands,
    ) {
        match request {
            Request::Save => {
                let Some(document) = self.document.as_mut().filter(|_| self.work.is_none()) else { return };
                match document.begin_save() {
                    Ok(saving) => self.work = Some(Work::save(saving)),
                    Err(error) => self.panel.tell(true, error.to_string()),
                }
            }
            Request::Reload => {
                if let Some(document) = &mut self.document {
                    match document.reload() {
                        Ok(()) => self.panel.tell(false, "taken in anew"),
                        Err(error) => self.panel.tell(true, error.to_string()),
                    }
                    self.read_mesh();
                }
            }
            Request::Import(fields) if self.work.is_none() => self.work = Some(Work::import(fields)),
            Request::Open(rig) => self.open(&rig, server, heads, commands),
            Request::Import(_) | Request::Browse | Request::Value { .. } => {}
        }
    }

    /// Lets the edited head be one of another rig.
    fn open(&mut self, rig: &Path, server: &AssetServer, heads: &Query<&LikenessHead>, commands: &mut Commands) {
        let asset = within(rig, &self.folder);
        let (Some(asset), Some(head)) = (asset, self.head) else {
            let folder = self.folder.display();
            return self.panel.tell(true, format!("the game reads from {folder} alone: draft the rig there"));
        };
        if let Ok(likeness) = heads.get(head) {
            let rig = server.load(AssetPath::from_path(&asset).into_owned());
            // A face is one of its rig.
            commands.entity(head).remove::<Face>().insert(LikenessHead { rig, ..likeness.clone() });
            self.panel.drafted = None;
        }
    }

    /// The files are written: the game now reads what it will read when it starts anew.
    fn saved(
        &mut self,
        saving: Saving,
        saved: Saved,
        server: &AssetServer,
        heads: &Query<&LikenessHead>,
        rigs: &Assets<RigAsset>,
    ) {
        let Some(document) = self.document.as_mut().filter(|document| document.path() == saving.path()) else { return };
        self.panel.tell(false, format!("saved {}", saving.path().display()));
        saved.notices.into_iter().for_each(|notice| self.panel.tell(false, notice));
        let rig = self.head.and_then(|head| heads.get(head).ok()).map(|head| &head.rig);
        if let Some(path) = rig.and_then(|rig| server.get_path(rig)) {
            server.reload(path);
        }
        let has_meshes = saving.moves_rests();
        document.end_save(saving);
        if has_meshes {
            if let Some(asset) = rig.and_then(|rig| rigs.get(rig)) {
                let mesh = server.get_path(&asset.mesh).map(AssetPath::into_owned);
                for path in mesh.into_iter().chain(asset.option_meshes.values().cloned()) {
                    server.reload(path);
                }
            }
            self.read_mesh();
        }
    }
}

/// A file's path relative to a folder that it lies in.
fn within(file: &Path, folder: &Path) -> Option<PathBuf> {
    let (file, folder) = (file.canonicalize().ok()?, folder.canonicalize().ok()?);
    file.strip_prefix(folder).ok().map(Path::to_path_buf)
}

pub(crate) fn is_open(editor: Res<LikenessEditor>) -> bool {
    editor.open && editor.document.is_some()
}

/// Edits the first head that there is, and another one when it has gone.
pub(crate) fn choose_head(
    mut editor: ResMut<LikenessEditor>,
    heads: Query<(Entity, &LikenessHead, Has<HeadJoints>)>,
    server: Res<AssetServer>,
) {
    if !editor.open {
        return;
    }
    let path_of = |rig: &Handle<RigAsset>| server.get_path(rig).map(|path| path.path().to_path_buf());
    // A head of another rig is kept while it is being loaded.
    let kept = editor.head.and_then(|head| heads.get(head).ok());
    let chosen = kept.or_else(|| heads.iter().find(|(.., is_ready)| *is_ready));
    let Some((head, likeness, _)) = chosen.filter(|(.., is_ready)| *is_ready) else { return };
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
    if let (Some(mesh), Some(skeleton)) = (&mut editor.mesh, &editor.skeleton) {
        mesh.joints = skeleton.moved(&document.unsaved_rests());
    }
    let Some((_, edited)) = editor.head.and_then(|head| heads.get(head).ok()) else { return };
    // Heads are made anew with another rig, not with the same one.
    if rigs.get(&edited.rig).is_none_or(|asset| asset.rig() == document.rig()) {
        return;
    }
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

/// Tells how work with files ended, and shows what came of it.
pub(crate) fn finish_work(
    mut editor: ResMut<LikenessEditor>,
    heads: Query<&LikenessHead>,
    rigs: Res<Assets<RigAsset>>,
    server: Res<AssetServer>,
) {
    let editor = editor.bypass_change_detection();
    let Some(work) = editor.work.take_if(|work| work.is_finished()) else { return };
    match work.join() {
        Some(Outcome::Saved(saving, Ok(saved))) => editor.saved(saving, saved, &server, &heads, &rigs),
        Some(Outcome::Saved(_, Err(error))) => editor.panel.tell(true, error.to_string()),
        Some(Outcome::Drafted(Ok(drafted))) => {
            drafted.lines.into_iter().for_each(|line| editor.panel.tell(false, line));
            editor.panel.drafted = Some(drafted.rig);
        }
        Some(Outcome::Drafted(Err(problem))) => editor.panel.tell(true, problem),
        None => editor.panel.tell(true, "the work failed inside; please report the file"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn only_rigs_among_the_assets_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let assets = folder.path().join("assets");
        std::fs::create_dir_all(assets.join("own")).unwrap();
        let (inside, outside) = (assets.join("own/a.rig.ron"), folder.path().join("b.rig.ron"));
        for file in [&inside, &outside] {
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(within(&inside, &assets).unwrap(), Path::new("own/a.rig.ron"));
        assert_eq!(within(&outside, &assets), None);
        assert_eq!(within(&assets.join("missing.rig.ron"), &assets), None);
    }
}
