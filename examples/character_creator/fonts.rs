//! Fonts of the system for languages that the compiled-in ones lack.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily};
use fontdb::{Database, Family, Query, Source};

/// Families with Chinese characters that systems have, the best looking first.
const WIDE: [&str; 11] = [
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "AR PL UMing CN",
    "SimSun",
];

/// Gives the context a font with Chinese characters as its last resort; false when the system has none.
pub(crate) fn install(context: &Context) -> bool {
    let mut database = Database::new();
    database.load_system_fonts();
    let families: Vec<Family<'_>> = WIDE.iter().map(|name| Family::Name(name)).collect();
    let found = families
        .iter()
        .find_map(|family| database.query(&Query { families: &[*family], ..Query::default() }))
        .and_then(|id| database.face_source(id));
    let Some((Source::File(path) | Source::SharedFile(path, _), index)) = found else {
        return false;
    };
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    let mut fonts = FontDefinitions::default();
    let mut data = FontData::from_owned(bytes);
    data.index = index;
    fonts.font_data.insert("wide".into(), Arc::new(data));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.entry(family).or_default().push("wide".into());
    }
    context.set_fonts(fonts);
    true
}
