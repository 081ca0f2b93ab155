//! The values of one character.

use crate::{Result, Rig, RigError};

/// The parameters and the appearance of one character, in the rig's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// One value per parameter, 0..1, 0.5 = neutral.
    pub parameters: Vec<f32>,
    /// Per option, the index of the choice.
    pub options: Vec<usize>,
    /// Per colour slot, linear RGB in 0..1.
    pub colors: Vec<[f32; 3]>,
    /// One value per detail, 0..1.
    pub details: Vec<f32>,
}

impl Face {
    /// The neutral face: all parameters 0.5, the rig's default options, colours and details.
    pub fn neutral(rig: &Rig) -> Self {
        Self {
            parameters: vec![0.5; rig.parameters.len()],
            options: rig
                .options
                .iter()
                .map(|option| option.choices.iter().position(|choice| *choice == option.default).unwrap_or(0))
                .collect(),
            colors: rig.colors.iter().map(|color| color.default).collect(),
            details: rig.details.iter().map(|detail| detail.default).collect(),
        }
    }

    /// Checks that the face fits the rig.
    ///
    /// # Errors
    /// [`RigError::Shape`] for a list of the wrong length, [`RigError::OutOfRange`] for a number that is not finite or
    /// not in 0..1, [`RigError::UnknownChoice`] for a choice that the option does not have.
    pub fn validate(&self, rig: &Rig) -> Result<()> {
        let lengths = [
            ("parameters", self.parameters.len(), rig.parameters.len()),
            ("options", self.options.len(), rig.options.len()),
            ("colors", self.colors.len(), rig.colors.len()),
            ("details", self.details.len(), rig.details.len()),
        ];
        for (field, found, expected) in lengths {
            if found != expected {
                return Err(RigError::Shape {
                    file: "face".into(),
                    field: field.into(),
                    found: vec![found],
                    expected: vec![expected],
                });
            }
        }
        for (value, name) in self.parameters.iter().zip(rig.parameter_names()) {
            check_unit("face", || format!("parameters.{name}"), *value)?;
        }
        for (choice, option) in self.options.iter().zip(&rig.options) {
            if *choice >= option.choices.len() {
                return Err(RigError::UnknownChoice {
                    file: "face".into(),
                    field: format!("options.{}", option.name),
                    choice: choice.to_string(),
                    choices: option.choices.clone(),
                });
            }
        }
        for (color, slot) in self.colors.iter().zip(&rig.colors) {
            for value in color {
                check_unit("face", || format!("colors.{}", slot.name), *value)?;
            }
        }
        for (value, detail) in self.details.iter().zip(&rig.details) {
            check_unit("face", || format!("details.{}", detail.name), *value)?;
        }
        Ok(())
    }
}

/// Checks that a number is in 0..1.
pub(crate) fn check_unit(file: &str, field: impl FnOnce() -> String, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(RigError::OutOfRange { file: file.into(), field: field(), value: value.into(), min: 0.0, max: 1.0 })
}
