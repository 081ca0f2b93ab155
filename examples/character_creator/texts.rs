//! The words, by language. A further language is a further file `locales/<tag>.ftl` (in this folder, compiled in) or a
//! file of that name in the folder that `--locales` gives (read at the start).

use std::fmt;
use std::path::Path;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use likeness_rig::Parameter;
use unic_langid::LanguageIdentifier;

/// The languages that are compiled in: their tags and their words.
const BUNDLED: [(&str, &str); 2] =
    [("en", include_str!("locales/en.ftl")), ("zh-Hans", include_str!("locales/zh-Hans.ftl"))];

/// A language by its BCP 47 tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Language(String);

impl Default for Language {
    fn default() -> Self {
        Self(BUNDLED[0].0.to_owned())
    }
}

impl Language {
    /// The tag.
    pub(crate) fn tag(&self) -> &str {
        &self.0
    }
}

struct Locale {
    tag: String,
    bundle: FluentBundle<FluentResource>,
}

impl fmt::Debug for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Locale").field(&self.tag).finish()
    }
}

impl Locale {
    fn new(tag: &str, words: &str) -> Result<Self, TextsError> {
        let wrong = |problem: String| TextsError::Locale { tag: tag.to_owned(), problem };
        let language: LanguageIdentifier = tag.parse().map_err(|_| wrong("this is no language tag".into()))?;
        let resource = FluentResource::try_new(words.to_owned())
            .map_err(|(_, errors)| wrong(errors.first().map(ToString::to_string).unwrap_or_default()))?;
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Marks around arguments would show as boxes.
        bundle.set_use_isolating(false);
        bundle
            .add_resource(resource)
            .map_err(|errors| wrong(errors.first().map(ToString::to_string).unwrap_or_default()))?;
        Ok(Self { tag: tag.to_owned(), bundle })
    }

    fn get(&self, key: &str, arguments: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, arguments, &mut errors);
        Some(text.into_owned())
    }
}

/// A language file is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextsError {
    /// A file does not parse.
    #[error("locales/{tag}.ftl: {problem}; see projectfluent.org for the syntax")]
    Locale {
        /// The language.
        tag: String,
        /// What is wrong.
        problem: String,
    },
    /// The folder of further languages cannot be read.
    #[error("--locales {folder}: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
}

/// All words in the chosen language; what it lacks is said in English.
#[derive(Debug)]
pub(crate) struct Texts {
    locales: Vec<Locale>,
    chosen: usize,
}

impl Texts {
    /// The languages that are compiled in.
    pub(crate) fn bundled(language: Language) -> Self {
        let locales = BUNDLED.iter().filter_map(|(tag, words)| Locale::new(tag, words).ok()).collect();
        let mut texts = Self { locales, chosen: 0 };
        texts.choose(language);
        texts
    }

    /// Adds the languages of a folder of `<tag>.ftl` files; those of the same tag replace the compiled-in ones.
    ///
    /// # Errors
    /// [`TextsError`] with the file that is wrong.
    pub(crate) fn add_folder(&mut self, folder: &Path) -> Result<(), TextsError> {
        let wrong = |source| TextsError::Folder { folder: folder.display().to_string(), source };
        for entry in std::fs::read_dir(folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if let (Some("ftl"), Some(tag)) =
                (path.extension().and_then(|end| end.to_str()), path.file_stem().and_then(|stem| stem.to_str()))
            {
                let words = std::fs::read_to_string(&path).map_err(wrong)?;
                let locale = Locale::new(tag, &words)?;
                self.locales.retain(|known| known.tag != tag);
                self.locales.push(locale);
            }
        }
        Ok(())
    }

    /// The language of the player's system, when there are words for it.
    pub(crate) fn system_language(&self) -> Language {
        let wanted = sys_locale::get_locale().unwrap_or_default();
        let found = self.locales.iter().find(|locale| {
            let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
            primary(&locale.tag) == primary(&wanted)
        });
        found.map_or_else(Language::default, |locale| Language(locale.tag.clone()))
    }

    /// Speaks a language from now on; an unknown one changes nothing.
    pub(crate) fn choose(&mut self, language: Language) {
        if let Some(place) = self.locales.iter().position(|locale| locale.tag == language.0) {
            self.chosen = place;
        }
    }

    /// The language that is spoken.
    pub(crate) fn language(&self) -> Language {
        self.locales.get(self.chosen).map_or_else(Language::default, |locale| Language(locale.tag.clone()))
    }

    /// All languages, each with its own name for itself.
    pub(crate) fn languages(&self) -> Vec<(Language, String)> {
        self.locales
            .iter()
            .map(|locale| {
                (Language(locale.tag.clone()), locale.get("language-name", None).unwrap_or_else(|| locale.tag.clone()))
            })
            .collect()
    }

    /// The text of a key; the key itself when nobody has written one.
    pub(crate) fn get(&self, key: &str) -> String {
        self.find(key, None).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key with a number in it.
    pub(crate) fn with(&self, key: &str, name: &'static str, value: impl Into<FluentValue<'static>>) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name, value);
        self.find(key, Some(&arguments)).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key, or what the rig says where nobody has written one.
    pub(crate) fn or(&self, key: &str, caption: &str) -> String {
        self.find(key, None).unwrap_or_else(|| caption.to_owned())
    }

    /// What a parameter is called: the chosen language's words for its place and for what it does, for example for
    /// `nose.bridge` and `raise`, or the rig's own caption.
    pub(crate) fn parameter(&self, parameter: &Parameter) -> String {
        let words = parameter.name.rsplit_once('.').and_then(|(place, way)| {
            let locale = self.locales.get(self.chosen)?;
            let place = locale.get(&format!("place-{}", place.replace(['.', '_'], "-")), None)?;
            let way = locale.get(&format!("way-{way}"), None)?;
            Some(format!("{place} · {way}"))
        });
        words.unwrap_or_else(|| parameter.caption.clone())
    }

    fn find(&self, key: &str, arguments: Option<&FluentArgs<'_>>) -> Option<String> {
        let chosen = self.locales.get(self.chosen).and_then(|locale| locale.get(key, arguments));
        chosen.or_else(|| self.locales.first().and_then(|locale| locale.get(key, arguments)))
    }

    /// Whether some of the words need glyphs beyond those of Latin fonts.
    pub(crate) fn needs_wide_font(language: &Language) -> bool {
        ["zh", "ja", "ko"].iter().any(|tag| language.0.starts_with(tag))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::collections::BTreeSet;

    fn keys(words: &str) -> BTreeSet<&str> {
        words
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key)
            .collect()
    }

    #[test]
    fn every_language_says_everything_that_english_says() {
        let english = keys(BUNDLED[0].1);
        assert!(english.len() > 80);
        for (tag, words) in &BUNDLED[1..] {
            let missing: Vec<_> = english.difference(&keys(words)).copied().collect();
            assert!(missing.is_empty(), "{tag} lacks {missing:?}");
        }
    }

    #[test]
    fn chinese_names_every_parameter_of_the_bundled_rig() {
        let mut texts = Texts::bundled(Language("zh-Hans".into()));
        assert_eq!(texts.language().tag(), "zh-Hans");
        let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/head/head.rig.ron");
        let rig = likeness_rig::Rig::load(&rig).unwrap();
        let unnamed: Vec<_> =
            rig.parameters.iter().filter(|parameter| texts.parameter(parameter) == parameter.caption).collect();
        assert!(unnamed.is_empty(), "{:?}", unnamed.iter().map(|parameter| &parameter.name).collect::<Vec<_>>());
        texts.choose(Language("xx".into()));
        assert_eq!(texts.language().tag(), "zh-Hans", "an unknown language changes nothing");
    }

    #[test]
    fn a_further_language_is_a_further_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fr.ftl"), "language-name = Français\ntoolbar-undo = Annuler\n").unwrap();
        let mut texts = Texts::bundled(Language::default());
        texts.add_folder(folder.path()).unwrap();
        texts.choose(Language("fr".into()));
        assert_eq!(texts.get("toolbar-undo"), "Annuler");
        assert_eq!(texts.get("toolbar-redo"), "Redo", "what it lacks is said in English");
        assert_eq!(texts.get("no-such-key"), "no-such-key");
        std::fs::write(folder.path().join("de.ftl"), "toolbar-undo = {").unwrap();
        let error = texts.add_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("de.ftl"), "{error}");
    }
}
