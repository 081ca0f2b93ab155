//! The keys of the editor.

use bevy::prelude::*;
use bevy_egui::input::EguiWantsInput;

use crate::LikenessEditorSettings;
use crate::panel::Tool;
use crate::session::LikenessEditor;

/// Keys that make another one a shortcut.
const MODIFIERS: [KeyCode; 6] = [
    KeyCode::ControlLeft,
    KeyCode::ControlRight,
    KeyCode::AltLeft,
    KeyCode::AltRight,
    KeyCode::SuperLeft,
    KeyCode::SuperRight,
];

/// Opens and closes the editor.
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

/// Chooses what dragging a bone does.
pub(crate) fn choose_tool(
    keys: Option<Res<ButtonInput<KeyCode>>>,
    settings: Res<LikenessEditorSettings>,
    wants: Option<Res<EguiWantsInput>>,
    mut editor: ResMut<LikenessEditor>,
) {
    let typing = wants.is_some_and(|wants| wants.wants_any_keyboard_input());
    let Some(keys) = keys.filter(|keys| !typing && !keys.any_pressed(MODIFIERS)) else { return };
    for (tool, key) in Tool::ALL.into_iter().zip(settings.tool_keys()) {
        if keys.just_pressed(key) {
            editor.bypass_change_detection().panel.choose_tool(tool);
        }
    }
}

/// A key's name as it stands on the key.
pub(crate) fn name(key: KeyCode) -> String {
    let name = format!("{key:?}");
    name.strip_prefix("Key").or_else(|| name.strip_prefix("Digit")).map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_called_what_stands_on_them() {
        assert_eq!([KeyCode::KeyG, KeyCode::Digit1, KeyCode::F10].map(name), ["G", "1", "F10"]);
    }
}
