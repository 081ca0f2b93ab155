//! The editor's window. It knows egui and the rig's document, and nothing of Bevy.

mod bones;
mod changes;
mod import;
mod inspector;
mod sliders;
mod theme;

use egui::{Button, RichText, Ui};
use likeness_rig::RangeFault;

use crate::document::{Edit, EditError, RigDocument};

pub use theme::{ACCENT, FAULT, FINE, frame};

/// Messages that are kept.
const MOST_MESSAGES: usize = 4;

/// What a dragged bone changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The face: the sliders that drive the bone follow.
    #[default]
    Face,
    /// The rig: the chosen slider's drives follow.
    Rig,
}

/// What dragging a bone does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Moves it.
    #[default]
    Move,
    /// Turns it.
    Turn,
    /// Scales it.
    Scale,
}

/// The pages of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The sliders and the chosen one's details.
    #[default]
    Sliders,
    /// The bones and what drives the chosen one.
    Bones,
    /// How the file would change.
    Changes,
    /// A rig draft for a head of one's own.
    Import,
}

/// What the window shows and what is typed into it.
#[derive(Clone, Debug, Default)]
pub struct PanelState {
    /// The page.
    pub page: Page,
    /// What dragging changes.
    pub target: Target,
    /// What dragging does.
    pub tool: Tool,
    /// The chosen slider, its place in the rig.
    pub slider: Option<usize>,
    /// The chosen bone, its place in the rig.
    pub bone: Option<usize>,
    /// Whether the chosen slider runs through its range.
    pub sweeping: bool,
    /// Whether the influence of what is chosen is shown on the face.
    pub heat: bool,
    /// What is searched for.
    pub search: String,
    /// The head to import, and where its rig goes.
    pub import: ImportFields,
    /// How far the chosen bone's rest place is to be moved, millimetres.
    pub rest: [f32; 3],
    name: Draft,
    caption: Draft,
    region: Draft,
    messages: Vec<(bool, String)>,
}

/// The fields of the import page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportFields {
    /// The glTF file.
    pub head: String,
    /// The rig file to write.
    pub rig: String,
    /// What a unit of the file is, metres; empty to find out.
    pub unit: String,
}

/// A text that is being typed, and what it belongs to.
#[derive(Clone, Debug, Default)]
struct Draft {
    of: Option<(usize, u64)>,
    text: String,
}

/// What the window needs to know of the game.
#[derive(Clone, Copy, Debug, Default)]
pub struct PanelData<'a> {
    /// The face's values.
    pub values: &'a [f32],
    /// What is wrong with the chosen slider's range.
    pub faults: &'a [RangeFault],
    /// How many vertices the chosen slider moves, and how many there are.
    pub moved: Option<(usize, usize)>,
    /// Whether an import or another change of files is being worked on.
    pub working: bool,
}

/// What the window asks the game for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Write the rig file.
    Save,
    /// Take the rig file in anew.
    Reload,
    /// Set a value of the face.
    Value {
        /// The parameter.
        parameter: usize,
        /// 0..1.
        value: f32,
    },
    /// Draft a rig.
    Import(ImportFields),
    /// Move where a bone and its twin rest.
    MoveRest {
        /// The bone.
        bone: usize,
        /// How far, metres.
        by: [f32; 3],
    },
}

impl PanelState {
    /// Shows a message; `failed` makes it stand out.
    pub fn tell(&mut self, failed: bool, text: impl Into<String>) {
        self.messages.push((failed, text.into()));
        let surplus = self.messages.len().saturating_sub(MOST_MESSAGES);
        self.messages.drain(..surplus);
    }

    /// Shows a message that stands out, unless it is the last one already.
    pub(crate) fn tell_once(&mut self, text: &str) {
        if self.messages.last().is_none_or(|(_, last)| last != text) {
            self.tell(true, text);
        }
    }

    /// Makes an edit, and tells why not when it cannot be.
    pub fn edit(&mut self, document: &mut RigDocument, edit: &Edit, gesture: Option<&str>) {
        if let Err(error) = document.edit(edit, gesture) {
            self.tell_once(&reason(&error));
        }
    }

    /// Forgets choices that the rig does not have (any more).
    fn settle(&mut self, document: &RigDocument) {
        self.slider = self.slider.filter(|slider| *slider < document.rig().parameters.len());
        self.bone = self.bone.filter(|bone| *bone < document.rig().bones.len());
        self.sweeping &= self.slider.is_some();
    }
}

/// An error without the file's path, which the window shows above.
fn reason(error: &EditError) -> String {
    let text = error.to_string();
    text.split_once(".rig.ron: ").map_or_else(|| text.clone(), |(_, reason)| reason.to_owned())
}

/// Shows the window's contents.
pub fn show(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, data: &PanelData<'_>) -> Vec<Request> {
    theme::apply(ui);
    state.settle(document);
    let mut requests = Vec::new();
    header(ui, state, document, &mut requests);
    ui.add_space(4.0);
    switches(ui, state);
    ui.separator();
    ui.horizontal(|ui| {
        let changed = if document.is_changed() { "Changes •" } else { "Changes" };
        for (page, name) in
            [(Page::Sliders, "Sliders"), (Page::Bones, "Bones"), (Page::Changes, changed), (Page::Import, "Import")]
        {
            ui.selectable_value(&mut state.page, page, name);
        }
    });
    ui.add_space(4.0);
    match state.page {
        Page::Sliders => {
            sliders::show(ui, state, document, data, &mut requests);
            ui.separator();
            inspector::show(ui, state, document, data, &mut requests);
        }
        Page::Bones => bones::show(ui, state, document, data, &mut requests),
        Page::Changes => changes::show(ui, document),
        Page::Import => import::show(ui, state, data, &mut requests),
    }
    messages(ui, state);
    requests
}

fn header(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, requests: &mut Vec<Request>) {
    let name = document.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Face rig").size(17.0).strong());
        ui.label(name);
        ui.label(RichText::new(format!("version {}", document.rig().version)).weak());
        if document.is_changed() {
            ui.label(RichText::new("not saved").color(ACCENT));
        }
    });
    ui.horizontal(|ui| {
        if ui.add_enabled(document.is_changed(), Button::new("Save")).on_hover_text("Write the rig file").clicked() {
            requests.push(Request::Save);
        }
        if ui.button("Reload").on_hover_text("Take the file in anew; what is not saved is lost").clicked() {
            requests.push(Request::Reload);
        }
        let (undo, redo) = (document.undo_label().map(str::to_owned), document.redo_label().map(str::to_owned));
        let step = |ui: &mut Ui, name: &str, label: &Option<String>| {
            let button = ui.add_enabled(label.is_some(), Button::new(name));
            button.on_hover_text(label.as_deref().unwrap_or_default()).clicked()
        };
        if step(ui, "Undo", &undo) {
            document.undo();
        }
        if step(ui, "Redo", &redo) {
            document.redo();
        }
        ui.toggle_value(&mut state.heat, "Influence")
            .on_hover_text("Colour the skin by what the chosen bone or slider moves");
    });
}

fn switches(ui: &mut Ui, state: &mut PanelState) {
    ui.horizontal(|ui| {
        ui.label("Dragging a bone");
        for (tool, name) in [(Tool::Move, "moves"), (Tool::Turn, "turns"), (Tool::Scale, "scales")] {
            ui.selectable_value(&mut state.tool, tool, name);
        }
        ui.label("and changes the");
        let targets = [
            (Target::Face, "face", "The sliders that drive the bone follow, within their ranges"),
            (Target::Rig, "rig", "The chosen slider's drives follow: pose the end of its range"),
        ];
        for (target, name, hint) in targets {
            ui.selectable_value(&mut state.target, target, name).on_hover_text(hint);
        }
    });
}

fn messages(ui: &mut Ui, state: &mut PanelState) {
    if state.messages.is_empty() {
        return;
    }
    ui.separator();
    for (failed, text) in &state.messages {
        ui.label(RichText::new(text).color(if *failed { FAULT } else { FINE }));
    }
    if ui.small_button("Clear messages").clicked() {
        state.messages.clear();
    }
}
