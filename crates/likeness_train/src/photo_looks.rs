//! What somebody saw on photos: hair, beard, glasses and colours, one JSON line a photo. Few labels of real photos keep a network that
//! learned its options on renders from reading photos wrongly.
//!
//! ```json
//! {"file":"train/0001.jpg","options":{"hair.style":["short_straight","side_part"],"beard":["none"]},"colors":{"hair":[0.07,0.037,0.019]}}
//! ```
//!
//! `file` is that of the portraits' label file. An option names the choices among which the right one is: a short and neat style may fit
//! several. What is left out is unknown.

use std::{collections::BTreeMap, fs, path::Path};

use likeness_nets::AppearanceConfig;
use serde::Deserialize;

use crate::error::{Result, data_error, io_error};

/// What is known of a photo's appearance.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoLooks {
    /// For each choice of each option in the order of the network's answers: 1 if it may be the right one, else 0. All choices of an
    /// unknown option are 1.
    pub candidates: Vec<f32>,
    /// For each natural colour its linear RGB by eye, 0..1, where it is known.
    pub colors: Vec<Option<[f32; 3]>>,
}

impl PhotoLooks {
    /// A photo of which nothing is known.
    pub fn unknown(config: &AppearanceConfig) -> Self {
        Self { candidates: vec![1.0; config.choices()], colors: vec![None; config.colors.len()] }
    }

    /// The candidates of the option whose choices begin at `start`, if anything is known of it.
    pub fn known(&self, (start, count): (usize, usize)) -> Option<&[f32]> {
        self.candidates.get(start..start + count).filter(|candidates| candidates.contains(&0.0))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    #[serde(default)]
    options: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    colors: BTreeMap<String, [f32; 3]>,
}

/// Reads what is known of photos, by the portraits' `file`.
///
/// # Errors
/// A missing file, a line that is not such JSON, an option, a choice or a colour that the rig does not have, an option without any
/// choice, a colour that is not within 0..1, a photo that is named twice.
pub fn read_looks(path: &Path, config: &AppearanceConfig) -> Result<BTreeMap<String, PhotoLooks>> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    let mut photos = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fail = |problem: String| data_error(path, format!("line {}", number + 1), problem);
        let line: Line = serde_json::from_str(line).map_err(|error| fail(error.to_string()))?;
        let looks = looks(&line, config).map_err(fail)?;
        if photos.insert(line.file.clone(), looks).is_some() {
            return Err(fail(format!("{} is named twice: keep one line a photo", line.file)));
        }
    }
    Ok(photos)
}

fn looks(line: &Line, config: &AppearanceConfig) -> std::result::Result<PhotoLooks, String> {
    let mut looks = PhotoLooks::unknown(config);
    for (name, choices) in &line.options {
        let place = config.options.iter().position(|option| option.name == *name);
        let place = place.ok_or_else(|| format!("options: the rig has no {name}: leave it out"))?;
        let (start, count) = config.groups()[place];
        if choices.is_empty() {
            return Err(format!("options.{name}: no choice: name those that fit, or leave the option out"));
        }
        looks.candidates[start..start + count].fill(0.0);
        for choice in choices {
            let known = config.options[place].choices.iter().position(|known| known == choice);
            let known = known.ok_or_else(|| format!("options.{name}: the rig has no {choice}: name its choices"))?;
            looks.candidates[start + known] = 1.0;
        }
    }
    for (name, color) in &line.colors {
        let place = config.colors.iter().position(|slot| slot == name);
        let place = place.ok_or_else(|| format!("colors: the rig has no natural colour {name}: leave it out"))?;
        if !color.iter().all(|value| (0.0..=1.0).contains(value)) {
            return Err(format!("colors.{name}: {color:?} is not within 0..1: write linear RGB"));
        }
        looks.colors[place] = Some(*color);
    }
    Ok(looks)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

    use likeness_nets::OptionHead;

    use super::*;

    fn config() -> AppearanceConfig {
        let option = |name: &str, choices: &[&str]| OptionHead {
            name: name.into(),
            choices: choices.iter().map(|choice| (*choice).into()).collect(),
        };
        AppearanceConfig {
            input: 128,
            widths: [16, 32, 64, 96],
            hidden: 160,
            options: vec![option("hair", &["bald", "short", "long"]), option("beard", &["none", "full"])],
            colors: vec!["skin".into(), "hair".into()],
            details: vec![],
        }
    }

    fn read(text: &str) -> Result<BTreeMap<String, PhotoLooks>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("looks.jsonl");
        fs::write(&path, text).unwrap();
        read_looks(&path, &config())
    }

    #[test]
    fn what_is_left_out_is_unknown() {
        let line = r#"{"file":"a.jpg","options":{"hair":["short","long"]},"colors":{"hair":[0.1,0.2,0.3]}}"#;
        let photos = read(&format!("{line}\n\n{{\"file\":\"b.jpg\"}}\n")).unwrap();
        assert_eq!(photos["a.jpg"].candidates, [0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(photos["a.jpg"].colors, [None, Some([0.1, 0.2, 0.3])]);
        let groups = config().groups();
        assert_eq!(photos["a.jpg"].known(groups[0]), Some(&[0.0, 1.0, 1.0][..]));
        assert_eq!(photos["a.jpg"].known(groups[1]), None);
        assert_eq!(photos["b.jpg"], PhotoLooks::unknown(&config()));
    }

    #[test]
    fn a_bad_line_is_named() {
        for (line, problem) in [
            (r#"{"file":"a.jpg","options":{"hat":["none"]}}"#, "the rig has no hat"),
            (r#"{"file":"a.jpg","options":{"hair":["blue"]}}"#, "options.hair: the rig has no blue"),
            (r#"{"file":"a.jpg","options":{"hair":[]}}"#, "options.hair: no choice"),
            (r#"{"file":"a.jpg","colors":{"lipstick":[0,0,0]}}"#, "no natural colour lipstick"),
            (r#"{"file":"a.jpg","colors":{"hair":[0,0,2]}}"#, "colors.hair"),
            (r#"{"file":"a.jpg","colours":{}}"#, "unknown field"),
            (r#"{"options":{}}"#, "missing field `file`"),
            (r#"{"file":"b.jpg"}"#, "b.jpg is named twice"),
        ] {
            let error = read(&format!("{{\"file\":\"b.jpg\"}}\n{line}")).unwrap_err().to_string();
            assert!(error.contains("looks.jsonl: line 2: ") && error.contains(problem), "{error}");
        }
        assert!(read_looks(Path::new("nowhere.jsonl"), &config()).unwrap_err().to_string().contains("nowhere.jsonl"));
    }
}
