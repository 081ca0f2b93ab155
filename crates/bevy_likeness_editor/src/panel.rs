//! The editor's window. It knows egui and the rig's document, and nothing of Bevy.

mod bones;
mod changes;
mod import;
mod inspector;
mod sliders;
mod theme;

use std::path::PathBuf;

use egui::{Button, Key, KeyboardShortcut, Modifiers, RichText, Ui};
use glam::Vec3;
use likeness_rig::RangeFault;

use crate::document::{Edit, EditError, RigDocument};

pub use theme::{ACCENT, FAULT, FINE, frame};

/// Messages that are kept.
const MOST_MESSAGES: usize = 4;

const SAVE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::S);
const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
const REDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Y);
const REDO_TOO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
/// The height of a button with its padding, points.
const BUTTON_HEIGHT: f32 = 22.0;
/// What is said of turning and scaling a rest place.
const REST_HAS_NO_TURN: &str = "a rest place can only be moved: rigs have no rest turn or growth";

/// What a dragged bone changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The face: the sliders that drive the bone follow.
    #[default]
    Face,
    /// The rig: the chosen slider's drives follow.
    Rig,
    /// Where the bone rests: what its turns and growth are about.
    Rest,
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

impl Tool {
    /// All tools in the order of the window.
    pub const ALL: [Self; 3] = [Self::Move, Self::Turn, Self::Scale];

    /// What it does.
    fn verb(self) -> &'static str {
        match self {
            Self::Move => "moves",
            Self::Turn => "turns",
            Self::Scale => "scales",
        }
    }
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
    /// What dragging does; a rest place is only moved.
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
    /// The rig that was drafted and can be opened.
    pub drafted: Option<PathBuf>,
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
    /// Whether an import or a save is being worked on.
    pub working: bool,
    /// The names of the keys that choose the tools, in the order of [`Tool::ALL`]; empty for none.
    pub tool_keys: [&'a str; 3],
}

/// What the window asks the game for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Write the rig file, and the meshes when rest places moved.
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
    /// Let the designer choose the head to import.
    Browse,
    /// Draft a rig.
    Import(ImportFields),
    /// Show the head of another rig file, and edit that.
    Open(PathBuf),
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

    /// Moves where a bone and its twin rest (see [`RigDocument::move_rest`]), and tells why not when it cannot be.
    pub fn move_rest(&mut self, document: &mut RigDocument, bone: usize, by: Vec3, gesture: Option<&str>) {
        if let Err(error) = document.move_rest(bone, by, gesture) {
            self.tell_once(&reason(&error));
        }
    }

    /// Chooses what dragging does, and tells why not when it cannot be.
    pub fn choose_tool(&mut self, tool: Tool) {
        if self.target == Target::Rest && tool != Tool::Move {
            self.tell_once(REST_HAS_NO_TURN);
        } else {
            self.tool = tool;
        }
    }

    /// Forgets what is chosen: another rig is edited.
    pub(crate) fn forget_choices(&mut self) {
        (self.slider, self.bone, self.sweeping, self.page) = (None, None, false, Page::Sliders);
        self.search.clear();
    }

    /// Forgets choices that the rig does not have (any more).
    fn settle(&mut self, document: &RigDocument) {
        self.slider = self.slider.filter(|slider| *slider < document.rig().parameters.len());
        self.bone = self.bone.filter(|bone| *bone < document.rig().bones.len());
        self.sweeping &= self.slider.is_some();
        if self.target == Target::Rest {
            self.tool = Tool::Move;
        }
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
    shortcuts(ui, document, data, &mut requests);
    header(ui, state, document, data, &mut requests);
    ui.add_space(4.0);
    switches(ui, state, data);
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
        Page::Bones => bones::show(ui, state, document),
        Page::Changes => changes::show(ui, document),
        Page::Import => import::show(ui, state, document, data, &mut requests),
    }
    messages(ui, state);
    requests
}

/// Keys that work wherever the pointer is, but not while a text is being typed: it has its own.
fn shortcuts(ui: &Ui, document: &mut RigDocument, data: &PanelData<'_>, requests: &mut Vec<Request>) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let pressed = |shortcut| ui.input_mut(|input| input.consume_shortcut(shortcut));
    // The longer one first: a shortcut fits with further keys held, too.
    if pressed(&REDO_TOO) || pressed(&REDO) {
        document.redo();
    } else if pressed(&UNDO) {
        document.undo();
    } else if pressed(&SAVE) && document.is_changed() && !data.working {
        requests.push(Request::Save);
    }
}

fn header(
    ui: &mut Ui,
    state: &mut PanelState,
    document: &mut RigDocument,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
    let name = document.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Face rig").size(17.0).strong());
        ui.label(name);
        ui.label(RichText::new(format!("version {}", document.rig().version)).weak());
        if data.working {
            ui.label(RichText::new("working …").color(ACCENT));
        } else if document.is_changed() {
            ui.label(RichText::new("not saved").color(ACCENT));
        }
    });
    ui.horizontal(|ui| {
        let key = |ui: &Ui, shortcut| ui.ctx().format_shortcut(shortcut);
        let hint = format!("Write the rig file, and the meshes when rest places moved ({})", key(ui, &SAVE));
        let can_save = document.is_changed() && !data.working;
        if ui.add_enabled(can_save, Button::new("Save")).on_hover_text(hint).clicked() {
            requests.push(Request::Save);
        }
        let reload = ui.add_enabled(!data.working, Button::new("Reload"));
        if reload.on_hover_text("Take the file in anew; what is not saved is lost").clicked() {
            requests.push(Request::Reload);
        }
        let (undo, redo) = (document.undo_label().map(str::to_owned), document.redo_label().map(str::to_owned));
        let step = |ui: &mut Ui, name: &str, label: &Option<String>, shortcut| {
            let hint = format!("{} ({})", label.as_deref().unwrap_or_default(), key(ui, shortcut));
            ui.add_enabled(label.is_some(), Button::new(name)).on_hover_text(hint).clicked()
        };
        if step(ui, "Undo", &undo, &UNDO) {
            document.undo();
        }
        if step(ui, "Redo", &redo, &REDO) {
            document.redo();
        }
        ui.toggle_value(&mut state.heat, "Influence")
            .on_hover_text("Colour the skin by what the chosen bone or slider moves");
    });
}

fn switches(ui: &mut Ui, state: &mut PanelState, data: &PanelData<'_>) {
    egui::Grid::new("switches").num_columns(2).show(ui, |ui| {
        // As high as the buttons, so that the words stand in their middle.
        ui.spacing_mut().interact_size.y = BUTTON_HEIGHT;
        ui.label("Dragging a bone");
        ui.horizontal(|ui| {
            for (tool, key) in Tool::ALL.into_iter().zip(data.tool_keys) {
                let name = if key.is_empty() { tool.verb().to_owned() } else { format!("{} ({key})", tool.verb()) };
                let possible = state.target != Target::Rest || tool == Tool::Move;
                let button = ui.add_enabled(possible, Button::selectable(state.tool == tool, name));
                if button.on_disabled_hover_text(REST_HAS_NO_TURN).clicked() {
                    state.choose_tool(tool);
                }
            }
        });
        ui.end_row();
        ui.label("and changes the");
        let targets = [
            (Target::Face, "face", "The sliders that drive the bone follow, within their ranges"),
            (Target::Rig, "slider", "The chosen slider's drives follow: pose the end of its range"),
            (Target::Rest, "rest place", "Where the bone rests: its turns and growth are about this place"),
        ];
        ui.horizontal(|ui| {
            for (target, name, hint) in targets {
                ui.selectable_value(&mut state.target, target, name).on_hover_text(hint);
            }
        });
        ui.end_row();
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
