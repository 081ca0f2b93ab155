//! The list of sliders by region.

use std::collections::BTreeMap;

use egui::{CollapsingHeader, RichText, ScrollArea, Slider, TextEdit, Ui};
use likeness_rig::{Channel, Rig};

use super::{PanelData, PanelState, Request};
use crate::document::{Edit, RigDocument};

/// The height of the list, points.
const LIST_HEIGHT: f32 = 220.0;

pub(super) fn show(
    ui: &mut Ui,
    state: &mut PanelState,
    document: &mut RigDocument,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
    ui.horizontal(|ui| {
        search(ui, state);
        if ui.button("New slider").on_hover_text("A slider for the chosen bone").clicked() {
            add(state, document);
        }
    });
    let regions = regions(document.rig(), &state.search);
    if regions.is_empty() {
        ui.label(RichText::new("No slider is called so.").weak());
    }
    ScrollArea::vertical().id_salt("sliders").max_height(LIST_HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        for (region, members) in regions {
            let holds_chosen = state.slider.is_some_and(|slider| members.contains(&slider));
            let heading = format!("{region} ({})", members.len());
            let open = (holds_chosen || !state.search.is_empty()).then_some(true);
            CollapsingHeader::new(heading).id_salt(&region).open(open).show(ui, |ui| {
                for parameter in members {
                    row(ui, state, document.rig(), parameter, data, requests);
                }
            });
        }
    });
}

/// The field for what is searched; shared by the lists.
pub(super) fn search(ui: &mut Ui, state: &mut PanelState) {
    let name = ui.label("Search");
    ui.add(TextEdit::singleline(&mut state.search).desired_width(190.0)).labelled_by(name.id);
}

fn row(
    ui: &mut Ui,
    state: &mut PanelState,
    rig: &Rig,
    parameter: usize,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
    let described = &rig.parameters[parameter];
    ui.horizontal(|ui| {
        let mut value = data.values.get(parameter).copied().unwrap_or(0.5);
        let slider = ui.add(Slider::new(&mut value, 0.0..=1.0).show_value(false));
        if slider.changed() {
            requests.push(Request::Value { parameter, value });
        }
        let chosen = state.slider == Some(parameter);
        let name = ui.selectable_label(chosen, &described.name).on_hover_text(&described.caption);
        slider.labelled_by(name.id);
        if name.clicked() {
            state.slider = if chosen { None } else { Some(parameter) };
            state.sweeping = false;
        }
    });
}

/// The places of the sliders that fit the search, by region in the order of the rig.
fn regions(rig: &Rig, search: &str) -> Vec<(String, Vec<usize>)> {
    let wanted = search.to_lowercase();
    let mut order: Vec<String> = Vec::new();
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, parameter) in rig.parameters.iter().enumerate() {
        let words = [&parameter.name, &parameter.caption, &parameter.region];
        if !words.iter().any(|word| word.to_lowercase().contains(&wanted)) {
            continue;
        }
        if !order.contains(&parameter.region) {
            order.push(parameter.region.clone());
        }
        members.entry(&parameter.region).or_default().push(index);
    }
    order.into_iter().map(|region| (region.clone(), members.remove(region.as_str()).unwrap_or_default())).collect()
}

fn add(state: &mut PanelState, document: &mut RigDocument) {
    let rig = document.rig();
    let region = state.slider.map_or_else(|| "face".to_owned(), |slider| rig.parameters[slider].region.clone());
    let bone = state.bone.unwrap_or(0);
    let stem = rig.bones.get(bone).map_or("bone", |bone| bone.name.trim_end_matches(['L', 'R']).trim_end_matches('.'));
    let name =
        (1..).map(|number| format!("{region}.{stem}.new{number}")).find(|name| rig.parameter_index(name).is_none());
    let edit = Edit::Add { name: name.unwrap_or_default(), region, bone, channel: Channel::TranslationY };
    let before = document.revision();
    state.edit(document, &edit, None);
    if document.revision() != before {
        state.slider = Some(document.rig().parameters.len() - 1);
        state.search.clear();
    }
}
