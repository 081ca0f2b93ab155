//! What is being made, and everything that can be done to it. Nothing here knows of windows or of Bevy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use image::RgbaImage;
use likeness_rig::{ARKIT_NAMES, Face, FaceFile, Prior, Rig, Sculptor, arkit_index, looks, share_code};
use likeness_vision::OptionAnswer;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::history::History;
use crate::layout::Layout;
use crate::texts::{Language, Texts};

/// The option for brows.
const BROWS: &str = "brows";

/// How many faces can be blended.
pub(crate) const SLOTS: usize = 3;

/// What undo and redo bring back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// The face that is being made.
    pub face: Face,
    /// The face that a photo gave.
    pub photo: Option<Face>,
    /// The skin that a photo gave.
    pub photo_skin: Option<SkinPixels>,
    /// The skin that the face has; painted without.
    pub skin: Option<SkinPixels>,
    /// The expression that is tried on, ARKit coefficients.
    pub expression: [f32; 52],
    /// Faces kept for blending.
    pub slots: [Option<Face>; SLOTS],
    /// How much each of them counts.
    pub weights: [f32; SLOTS],
}

/// A skin as a photo shows it; the same only as itself and its copies.
#[derive(Clone, Debug)]
pub(crate) struct SkinPixels(pub Arc<RgbaImage>);

impl PartialEq for SkinPixels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A face that comes with the creator.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    /// The name of its file without the endings, for example `03-mara`.
    pub name: String,
    /// The face.
    pub face: Face,
}

/// What a photo's prediction said besides the face.
#[derive(Clone, Debug)]
pub(crate) struct PhotoNote {
    /// 0..1.
    pub confidence: f32,
    /// Warnings in words.
    pub warnings: Vec<String>,
    /// The photo's expression.
    pub expression: [f32; 52],
    /// What hair, brows and the like were read as. Brows that the photo's skin shows stand aside in its face.
    pub looks: Vec<OptionAnswer>,
}

/// A line for the player.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    /// What to say.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
}

/// The left panel's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tab {
    /// The photo and what was read from it.
    Photo,
    /// Hair, brows, beard, glasses and colours.
    Looks,
    /// Skin details and make-up.
    Details,
    /// Expressions to try.
    Expression,
    /// Presets and blending.
    Blend,
    /// Saved faces.
    Library,
    /// Light, background, text size, language.
    Scene,
}

impl Tab {
    /// All pages in their order.
    pub(crate) const ALL: [Self; 7] =
        [Self::Photo, Self::Looks, Self::Details, Self::Expression, Self::Blend, Self::Library, Self::Scene];

    /// The page's name in identifiers and text keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Looks => "looks",
            Self::Details => "details",
            Self::Expression => "expression",
            Self::Blend => "blend",
            Self::Library => "library",
            Self::Scene => "scene",
        }
    }
}

/// The camera as the photo page shows it. The page turns it on and off; whether there is one, it says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CameraState {
    /// There is none.
    #[default]
    Absent,
    /// It could be turned on.
    Off,
    /// The page shows what it sees.
    On,
    /// What it sees becomes the photo.
    Taking,
}

impl CameraState {
    /// Whether it looks at the player.
    pub(crate) fn is_on(self) -> bool {
        matches!(self, Self::On | Self::Taking)
    }
}

/// What is randomised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Shape, looks, colours and details.
    WholeFace,
    /// The shape of the chosen region.
    Region,
}

/// How the face is looked at; not part of the document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// The place of the light set-up.
    pub lights: usize,
    /// The place of the background.
    pub background: usize,
    /// Size of the text, 1 = normal.
    pub text_scale: f32,
    /// Whether the photo's landmarks are drawn.
    pub show_landmarks: bool,
    /// Whether a font with Chinese characters was found.
    pub has_wide_font: bool,
}

/// What the studio asks the app to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    /// Let the player choose a photo.
    ChoosePhoto,
    /// Find the face in this photo.
    OpenPhoto(PathBuf),
    /// Let the player choose a face file.
    ChooseFace,
    /// Put this on the clipboard.
    Copy(String),
    /// Take a photo, a face file's path or a share code from the clipboard.
    Paste,
    /// Write the face into the library under this name.
    Save(String),
    /// Read this face file.
    Load(PathBuf),
    /// Write a picture of the face.
    Screenshot,
}

/// What has happened, for `--state-log`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    Ready,
    Predicted { confidence: f32 },
    PredictionFailed { error: String },
    Selected { region: String },
    Changed { parameter: String, value: f32, frame: u32 },
    JointsMoved { frame: u32 },
    Pinched { parameters: usize },
    Undo,
    Redo,
    Randomised,
    Blended,
    Saved { path: String },
    Loaded { path: String },
    Copied { code: String },
    Pasted,
    Screenshot { path: String },
    Notice { text: String, is_error: bool },
}

/// The character creator without its window.
pub(crate) struct Studio {
    /// The rig.
    pub rig: Arc<Rig>,
    /// Natural faces.
    pub prior: Arc<Prior>,
    /// The head that can be touched.
    pub sculptor: Arc<Sculptor>,
    /// What is being made.
    pub document: Document,
    history: History<Document>,
    /// Faces that come with the creator.
    pub presets: Vec<Preset>,
    /// Names of the saved faces.
    pub library: Vec<String>,
    /// The name that the face will be saved under.
    pub save_name: String,
    /// The region whose sliders are shown.
    pub region: String,
    /// What sliders are searched for.
    pub search: String,
    /// Whether both sides change alike; the parameters of one side are then hidden.
    pub symmetric: bool,
    /// How far randomising goes, 0..1.
    pub strength: f32,
    /// The page of the left panel.
    pub tab: Tab,
    /// How the face is looked at.
    pub view: View,
    /// What the last photo's prediction said.
    pub photo_note: Option<PhotoNote>,
    /// Whether a photo is being worked on.
    pub predicting: bool,
    /// The camera that photos can be taken with.
    pub camera: CameraState,
    /// The newest line for the player.
    pub notice: Option<Notice>,
    /// The words.
    pub texts: Texts,
    /// What the app is asked to do.
    pub requests: Vec<Request>,
    /// What has happened since the app looked last.
    pub events: Vec<Event>,
    /// Where the widgets are.
    pub layout: Layout,
    /// Places of the face in the window, points, by their names in the layout log.
    pub places: BTreeMap<&'static str, egui::Pos2>,
    /// Whether a hand on the face is in the middle of an edit.
    pub hand_is_busy: bool,
    /// Frames since the start, for the log.
    pub frame: u32,
    /// Whether the next change of the face is shown at once, without a morph.
    pub at_once: bool,
    /// For each parameter, what a mirror does to it: -1 for those that make the sides differ.
    uneven: Vec<bool>,
    names: Vec<String>,
    regions: Vec<String>,
    rng: ChaCha8Rng,
}

impl Studio {
    /// A studio with the neutral face. `seed` is that of everything random.
    pub(crate) fn new(prior: Arc<Prior>, sculptor: Arc<Sculptor>, texts: Texts, seed: u64) -> Self {
        let rig = Arc::new(sculptor.rig().clone());
        let mut face = Face::neutral(&rig);
        face.parameters.clone_from(&prior.mean);
        let document = Document {
            face,
            photo: None,
            photo_skin: None,
            skin: None,
            expression: [0.0; 52],
            slots: Default::default(),
            weights: [1.0; SLOTS],
        };
        let mut regions: Vec<String> = Vec::new();
        for parameter in &rig.parameters {
            if !regions.contains(&parameter.region) {
                regions.push(parameter.region.clone());
            }
        }
        let uneven = match rig.mirror_signs() {
            Some(signs) => signs.into_iter().map(|sign| sign < 0.0).collect(),
            None => vec![false; rig.parameters.len()],
        };
        let mut studio = Self {
            history: History::new(document.clone()),
            region: regions.iter().find(|name| *name == "nose").or(regions.first()).cloned().unwrap_or_default(),
            names: Vec::new(),
            regions,
            uneven,
            rig,
            prior,
            sculptor,
            document,
            presets: Vec::new(),
            library: Vec::new(),
            save_name: String::new(),
            search: String::new(),
            symmetric: true,
            strength: 0.6,
            tab: Tab::Photo,
            view: View { lights: 0, background: 0, text_scale: 1.0, show_landmarks: true, has_wide_font: false },
            photo_note: None,
            predicting: false,
            camera: CameraState::default(),
            notice: None,
            texts,
            requests: Vec::new(),
            events: Vec::new(),
            layout: Layout::default(),
            places: BTreeMap::new(),
            hand_is_busy: false,
            frame: 0,
            at_once: false,
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        studio.name_parameters();
        studio.save_name = studio.texts.get("library-first-name");
        studio
    }

    /// The regions of the rig in its order.
    pub(crate) fn regions(&self) -> &[String] {
        &self.regions
    }

    /// What a parameter is called in the player's language.
    pub(crate) fn parameter_label(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// Speaks another language.
    pub(crate) fn set_language(&mut self, language: Language) {
        self.texts.choose(language);
        self.name_parameters();
    }

    fn name_parameters(&mut self) {
        self.names = self.rig.parameters.iter().map(|parameter| self.texts.parameter(parameter)).collect();
    }

    /// The parameters whose sliders are shown: those of the region, or those that are searched for. One-sided ones only when
    /// the sides may differ.
    pub(crate) fn visible_parameters(&self) -> Vec<usize> {
        let words: Vec<String> = self.search.split_whitespace().map(str::to_lowercase).collect();
        (0..self.rig.parameters.len())
            .filter(|index| self.may_change(*index))
            .filter(|index| {
                let parameter = &self.rig.parameters[*index];
                if words.is_empty() {
                    return parameter.region == self.region;
                }
                let text = format!("{} {} {}", self.names[*index], parameter.caption, parameter.name).to_lowercase();
                words.iter().all(|word| text.contains(word))
            })
            .collect()
    }

    /// Whether a parameter may change while the sides are (or are not) locked to each other.
    pub(crate) fn may_change(&self, index: usize) -> bool {
        !(self.symmetric && self.uneven.get(index).copied().unwrap_or(false))
    }

    /// Shows the sliders of a region.
    pub(crate) fn select_region(&mut self, region: &str) {
        if self.regions.iter().any(|known| known == region) {
            region.clone_into(&mut self.region);
            self.search.clear();
            self.events.push(Event::Selected { region: region.to_owned() });
        }
    }

    /// Sets one parameter; shown in the same frame.
    pub(crate) fn set_parameter(&mut self, index: usize, value: f32) {
        let Some(place) = self.document.face.parameters.get_mut(index) else { return };
        let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.5 };
        if *place != value {
            *place = value;
            self.at_once = true;
            let parameter = self.rig.parameters[index].name.clone();
            self.events.push(Event::Changed { parameter, value, frame: self.frame });
        }
    }

    /// Sets all parameters, as a hand on the face does; shown in the same frame.
    pub(crate) fn set_parameters(&mut self, values: Vec<f32>) {
        if values.len() == self.document.face.parameters.len() && values != self.document.face.parameters {
            let parameters = values.iter().zip(&self.document.face.parameters).filter(|(new, old)| new != old).count();
            self.document.face.parameters = values;
            self.at_once = true;
            self.events.push(Event::Pinched { parameters });
        }
    }

    /// The value that a parameter goes back to: the photo's, or the natural mean's.
    pub(crate) fn home(&self, index: usize) -> f32 {
        let home = self.document.photo.as_ref().map_or(&self.prior.mean, |photo| &photo.parameters);
        home.get(index).copied().unwrap_or(0.5)
    }

    /// Brings a region back to the photo's face, or to the mean without one.
    pub(crate) fn reset_region(&mut self) {
        for index in self.visible_parameters() {
            let home = self.home(index);
            self.document.face.parameters[index] = home;
        }
        self.tell("notice-region-reset");
    }

    /// Takes the photo's face again as it was.
    pub(crate) fn back_to_photo(&mut self) {
        if let Some(photo) = self.document.photo.clone() {
            self.document.face = photo;
            self.document.skin.clone_from(&self.document.photo_skin);
        }
    }

    /// Shows the photo's skin, or the painted one; brows that nobody has chosen since are the skin's, or those that were read.
    pub(crate) fn show_photo_skin(&mut self, shown: bool) {
        self.document.skin = self.document.photo_skin.clone().filter(|_| shown);
        let (Some(note), Some(photo)) = (&self.photo_note, &self.document.photo) else { return };
        let Some(brows) = self.rig.option_index(BROWS) else { return };
        let read = note.looks.iter().find(|answer| answer.option == BROWS);
        let choices = &self.rig.options[brows].choices;
        let Some(read) = read.and_then(|read| choices.iter().position(|choice| *choice == read.choice)) else { return };
        let (own, other) = (photo.options[brows], read);
        let (from, to) = if shown { (other, own) } else { (own, other) };
        let chosen = &mut self.document.face.options[brows];
        if *chosen == from {
            *chosen = to;
        }
    }

    /// Draws another face, or another shape for the region, `strength` of the way.
    pub(crate) fn randomise(&mut self, scope: Scope) {
        let drawn = self.prior.sample(&mut self.rng);
        let part: Vec<usize> = match scope {
            Scope::WholeFace => (0..drawn.len()).collect(),
            Scope::Region => {
                (0..drawn.len()).filter(|index| self.rig.parameters[*index].region == self.region).collect()
            }
        };
        let face = &mut self.document.face;
        for index in part {
            let (Some(value), Some(drawn)) = (face.parameters.get_mut(index), drawn.get(index)) else { continue };
            *value += self.strength * (drawn - *value);
        }
        if scope == Scope::WholeFace {
            looks::dress(&self.rig, face, &mut self.rng);
            self.document.skin = None;
        }
        self.events.push(Event::Randomised);
    }

    /// Keeps the face for blending.
    pub(crate) fn keep(&mut self, slot: usize) {
        if let Some(place) = self.document.slots.get_mut(slot) {
            *place = Some(self.document.face.clone());
        }
    }

    /// Mixes the kept faces by their weights: shapes and colours are averaged, the heaviest face gives hair, beard and the
    /// like. Nothing happens without a kept face or without any weight.
    pub(crate) fn blend(&mut self) {
        let kept: Vec<(&Face, f32)> = self
            .document
            .slots
            .iter()
            .zip(self.document.weights)
            .filter_map(|(slot, weight)| Some((slot.as_ref()?, weight.max(0.0))))
            .collect();
        let total: f32 = kept.iter().map(|(_, weight)| weight).sum();
        let Some((heaviest, _)) = kept.iter().max_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|_| total > 0.0) else {
            return;
        };
        let mut blended = (*heaviest).clone();
        for (index, value) in blended.parameters.iter_mut().enumerate() {
            *value = kept.iter().map(|(face, weight)| weight * face.parameters[index]).sum::<f32>() / total;
        }
        for (index, value) in blended.details.iter_mut().enumerate() {
            *value = kept.iter().map(|(face, weight)| weight * face.details[index]).sum::<f32>() / total;
        }
        for (index, color) in blended.colors.iter_mut().enumerate() {
            *color = std::array::from_fn(|channel| {
                kept.iter().map(|(face, weight)| weight * face.colors[index][channel]).sum::<f32>() / total
            });
        }
        self.document.face = blended;
        self.events.push(Event::Blended);
    }

    /// Takes a face that fits the rig, and its skin.
    pub(crate) fn take(&mut self, face: Face, skin: Option<SkinPixels>) {
        self.document.face = face;
        if skin.is_some() {
            self.document.photo_skin.clone_from(&skin);
        }
        self.document.skin = skin;
    }

    /// Takes the face that a photo gave.
    pub(crate) fn take_photo(&mut self, face: Face, skin: Option<SkinPixels>, note: PhotoNote) {
        self.predicting = false;
        self.events.push(Event::Predicted { confidence: note.confidence });
        self.photo_note = Some(note);
        self.document.photo = Some(face.clone());
        self.document.face = face;
        self.document.photo_skin.clone_from(&skin);
        self.document.skin = skin;
        self.tab = Tab::Photo;
    }

    /// Turns the camera off.
    pub(crate) fn close_camera(&mut self) {
        if self.camera.is_on() {
            self.camera = CameraState::Off;
        }
    }

    /// The face as a file.
    pub(crate) fn face_file(&self) -> FaceFile {
        FaceFile::new(&self.rig, &self.document.face)
    }

    /// Asks for the face's share code to be put on the clipboard.
    pub(crate) fn copy_code(&mut self) {
        let code = share_code::encode(&self.rig, &self.document.face);
        self.events.push(Event::Copied { code: code.clone() });
        self.requests.push(Request::Copy(code));
        self.tell("notice-copied");
    }

    /// Takes a share code; a damaged one is told to the player.
    pub(crate) fn paste_code(&mut self, code: &str) {
        match share_code::decode(&self.rig, code.trim()) {
            Ok(face) => {
                self.take(face, None);
                self.events.push(Event::Pasted);
                self.tell("notice-pasted");
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// Tries an expression on: ARKit names with their coefficients.
    pub(crate) fn set_expression(&mut self, coefficients: &[(&str, f32)]) {
        self.document.expression = [0.0; ARKIT_NAMES.len()];
        for (name, value) in coefficients {
            if let Some(index) = arkit_index(name) {
                self.document.expression[index] = *value;
            }
        }
    }

    /// Takes the last edit back.
    pub(crate) fn undo(&mut self) {
        self.history.settle(&self.document);
        if let Some(document) = self.history.undo() {
            self.document = document;
            self.events.push(Event::Undo);
        }
    }

    /// Does again what was taken back.
    pub(crate) fn redo(&mut self) {
        if self.history.settle(&self.document) {
            return;
        }
        if let Some(document) = self.history.redo() {
            self.document = document;
            self.events.push(Event::Redo);
        }
    }

    /// Whether there is something to take back.
    pub(crate) fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    /// Whether something was taken back.
    pub(crate) fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// Ends a frame: what was edited becomes a step of the history, unless a hand is still on it.
    pub(crate) fn settle(&mut self, still_editing: bool) {
        if !still_editing && !self.hand_is_busy {
            self.history.settle(&self.document);
        }
    }

    /// Says something, by the key of its text.
    pub(crate) fn tell(&mut self, key: &str) {
        let text = self.texts.get(key);
        self.say(text, false);
    }

    /// Says something with a word in it.
    pub(crate) fn tell_with(&mut self, key: &str, name: &'static str, value: String) {
        let text = self.texts.with(key, name, value);
        self.say(text, false);
    }

    /// Says that something went wrong.
    pub(crate) fn fail(&mut self, text: String) {
        self.say(text, true);
    }

    fn say(&mut self, text: String, is_error: bool) {
        self.events.push(Event::Notice { text: text.clone(), is_error });
        self.notice = Some(Notice { text, is_error });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use likeness_rig::HeadMesh;
    use std::path::Path;

    /// The bundled head's studio.
    pub(crate) fn studio() -> Studio {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/head");
        let rig = Arc::new(Rig::load(&folder.join("head.rig.ron")).unwrap());
        let prior = Prior::load(&folder.join(&rig.prior), &rig).unwrap();
        let mesh = Arc::new(HeadMesh::load(&folder.join(&rig.mesh)).unwrap());
        let sculptor = Sculptor::new(rig, mesh, "skin").unwrap();
        Studio::new(Arc::new(prior), Arc::new(sculptor), Texts::bundled(Language::default()), 1)
    }

    #[test]
    fn every_edit_is_taken_back_and_done_again() {
        let mut studio = studio();
        let edits: [(&str, fn(&mut Studio)); 9] = [
            ("slider", |studio| studio.set_parameter(40, 0.9)),
            ("hair", |studio| studio.document.face.options[0] = 9),
            ("colour", |studio| studio.document.face.colors[0] = [0.1, 0.2, 0.3]),
            ("expression", |studio| studio.set_expression(&[("jawOpen", 0.7)])),
            ("whole", |studio| studio.randomise(Scope::WholeFace)),
            ("region", |studio| studio.randomise(Scope::Region)),
            ("keep", |studio| studio.keep(1)),
            ("blend", |studio| {
                studio.document.slots[0] = Some(Face::neutral(&studio.rig));
                studio.blend();
            }),
            ("reset", Studio::reset_region),
        ];
        let mut states = vec![studio.document.clone()];
        for (name, edit) in edits {
            edit(&mut studio);
            studio.settle(false);
            assert_ne!(Some(&studio.document), states.last(), "{name} changes something");
            states.push(studio.document.clone());
        }
        for state in states.iter().rev().skip(1) {
            studio.undo();
            assert_eq!(studio.document, *state);
        }
        for state in states.iter().skip(1) {
            studio.redo();
            assert_eq!(studio.document, *state);
        }
    }

    #[test]
    fn a_photo_s_skin_is_worn_until_the_face_is_another_one_s() {
        let mut studio = studio();
        let skin = Some(SkinPixels(Arc::new(RgbaImage::new(2, 2))));
        let note = PhotoNote { confidence: 0.9, warnings: Vec::new(), expression: [0.0; 52], looks: Vec::new() };
        studio.take_photo(Face::neutral(&studio.rig), skin.clone(), note);
        studio.settle(false);
        studio.show_photo_skin(false);
        studio.settle(false);
        assert_eq!(studio.document.skin, None);
        studio.undo();
        assert_eq!(studio.document.skin, skin);
        studio.randomise(Scope::Region);
        assert_eq!(studio.document.skin, skin, "a region is still the person's");
        studio.randomise(Scope::WholeFace);
        assert_eq!(studio.document.skin, None);
        studio.back_to_photo();
        assert_eq!(studio.document.skin, skin);
        let other = Some(SkinPixels(Arc::new(RgbaImage::new(2, 2))));
        assert_ne!(other, skin, "pictures of equal pixels are two skins");
        studio.take(Face::neutral(&studio.rig), other.clone());
        assert_eq!((&studio.document.skin, &studio.document.photo_skin), (&other, &other));
    }

    #[test]
    fn the_painted_skin_has_the_brows_that_were_read() {
        let mut studio = studio();
        let brows = studio.rig.option_index(BROWS).unwrap();
        let [thin, bushy, arched] = ["thin", "bushy", "arched"]
            .map(|name| studio.rig.options[brows].choices.iter().position(|choice| choice == name).unwrap());
        let mut face = Face::neutral(&studio.rig);
        face.options[brows] = thin;
        let looks = vec![OptionAnswer { option: BROWS.into(), choice: "bushy".into(), confidence: 0.8 }];
        let note = PhotoNote { confidence: 0.9, warnings: Vec::new(), expression: [0.0; 52], looks };
        studio.take_photo(face, Some(SkinPixels(Arc::new(RgbaImage::new(2, 2)))), note);
        studio.show_photo_skin(false);
        assert_eq!(studio.document.face.options[brows], bushy);
        studio.show_photo_skin(true);
        assert_eq!(studio.document.face.options[brows], thin);
        studio.document.face.options[brows] = arched;
        studio.show_photo_skin(false);
        assert_eq!(studio.document.face.options[brows], arched, "the player's own choice stays");
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut studio = studio();
        let before = studio.document.clone();
        for step in 0..10 {
            studio.set_parameter(3, 0.5 + 0.03 * step as f32);
            studio.settle(true);
        }
        studio.settle(false);
        studio.undo();
        assert_eq!(studio.document, before);
    }

    #[test]
    fn a_region_is_randomised_alone_and_by_its_strength() {
        let mut studio = studio();
        studio.select_region("nose");
        let before = studio.document.face.clone();
        studio.strength = 0.0;
        studio.randomise(Scope::Region);
        assert_eq!(studio.document.face, before, "no strength, no change");
        studio.strength = 1.0;
        studio.randomise(Scope::Region);
        for ((new, old), parameter) in
            studio.document.face.parameters.iter().zip(&before.parameters).zip(&studio.rig.parameters)
        {
            assert_eq!(new != old, parameter.region == "nose", "{}", parameter.name);
        }
        assert_eq!(studio.document.face.options, before.options);
    }

    #[test]
    fn a_blend_of_one_face_is_that_face_and_of_two_their_mean() {
        let mut studio = studio();
        studio.blend();
        studio.randomise(Scope::WholeFace);
        studio.keep(0);
        let first = studio.document.face.clone();
        studio.randomise(Scope::WholeFace);
        studio.keep(2);
        let second = studio.document.face.clone();
        studio.document.weights = [1.0, 1.0, 0.0];
        studio.blend();
        assert_eq!(studio.document.face, first, "the second face has no weight");
        studio.document.weights = [1.0, 0.0, 3.0];
        studio.blend();
        for ((blended, first), second) in
            studio.document.face.parameters.iter().zip(&first.parameters).zip(&second.parameters)
        {
            assert!((blended - (0.25 * first + 0.75 * second)).abs() < 1e-5);
        }
        assert_eq!(studio.document.face.options, second.options, "the heaviest face gives the hair");
        studio.document.weights = [0.0; SLOTS];
        let kept = studio.document.face.clone();
        studio.blend();
        assert_eq!(studio.document.face, kept, "no weight at all leaves the face alone");
    }

    #[test]
    fn a_share_code_comes_back_and_a_damaged_one_is_told() {
        let mut studio = studio();
        studio.randomise(Scope::WholeFace);
        studio.copy_code();
        let Some(Request::Copy(code)) = studio.requests.pop() else { panic!("no code was copied") };
        let made = studio.document.face.clone();
        studio.randomise(Scope::WholeFace);
        studio.paste_code(&format!("  {code}\n"));
        let distance =
            |a: &Face, b: &Face| a.parameters.iter().zip(&b.parameters).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(distance(&studio.document.face, &made) <= share_code::PARAMETER_STEP + 1e-6);
        studio.paste_code("BL1-nonsense");
        assert!(studio.notice.as_ref().is_some_and(|notice| notice.is_error));
        assert!(distance(&studio.document.face, &made) <= share_code::PARAMETER_STEP + 1e-6, "the face stays");
    }

    #[test]
    fn one_sided_sliders_hide_while_the_sides_are_locked() {
        let mut studio = studio();
        studio.select_region("nose");
        let names = |studio: &Studio| {
            studio.visible_parameters().iter().map(|i| studio.rig.parameters[*i].name.clone()).collect::<Vec<_>>()
        };
        assert!(!names(&studio).contains(&"nose.tip.sideways".to_owned()));
        studio.symmetric = false;
        assert!(names(&studio).contains(&"nose.tip.sideways".to_owned()));
        studio.search = "TIP nose".into();
        assert!(names(&studio).iter().all(|name| name.starts_with("nose.tip")) && names(&studio).len() >= 3);
        studio.search = "no such slider".into();
        assert!(names(&studio).is_empty());
    }

    #[test]
    fn values_that_are_no_numbers_are_not_taken() {
        let mut studio = studio();
        studio.set_parameter(0, f32::NAN);
        studio.set_parameter(1, 7.0);
        studio.set_parameter(100_000, 0.3);
        studio.set_parameters(vec![0.1; 3]);
        assert!(studio.document.face.validate(&studio.rig).is_ok());
        assert_eq!(&studio.document.face.parameters[..2], &[0.5, 1.0]);
    }
}
