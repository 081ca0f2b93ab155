//! Pictures of a run's course: one panel a number, drawn without a font file.

use std::{collections::BTreeMap, path::Path};

use plotters::prelude::*;

use crate::{
    error::{Result, TrainError},
    metrics::Report,
};

const PANEL: (u32, u32) = (420, 240);
const COLUMNS: u32 = 3;
const MARGIN: i32 = 14;
/// Room above each panel for its name and range.
const HEADER: i32 = 30;

/// Draws every number of the reports against the step into a PNG.
///
/// # Errors
/// There is nothing to draw; the file cannot be written.
pub fn plot(reports: &[Report], path: &Path) -> Result<()> {
    let failed = |problem: String| TrainError::Plot { path: path.to_path_buf(), problem };
    let mut series: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for report in reports {
        let Some(&step) = report.get("step") else { continue };
        for (name, &value) in report.iter().filter(|(name, value)| *name != "step" && value.is_finite()) {
            series.entry(name).or_default().push((step, value));
        }
    }
    if series.is_empty() {
        return Err(failed("no numbers: give the metrics.jsonl of a run".into()));
    }
    let rows = (series.len() as u32).div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * COLUMNS, PANEL.1 * rows);
    let mut pixels = vec![0u8; (width * height * 3) as usize];
    {
        let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| failed(error.to_string()))?;
        for (panel, (name, points)) in root.split_evenly((rows as usize, COLUMNS as usize)).iter().zip(&series) {
            draw_panel(panel, name, points).map_err(failed)?;
        }
        root.present().map_err(|error| failed(error.to_string()))?;
    }
    let picture = image::RgbImage::from_raw(width, height, pixels).ok_or_else(|| failed("too large".into()))?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(|error| failed(error.to_string()))?;
    Ok(likeness_rig::write_atomic(path, &bytes.into_inner())?)
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>;

fn draw_panel(panel: &Area<'_>, name: &str, points: &[(f64, f64)]) -> std::result::Result<(), String> {
    let text = |error: DrawingAreaErrorKind<_>| error.to_string();
    let range = |value: fn(&(f64, f64)) -> f64| {
        let low = points.iter().map(value).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
        if high - low > 1e-12 { (low, high) } else { (low - 0.5, high + 0.5) }
    };
    let ((x0, x1), (y0, y1)) = (range(|p| p.0), range(|p| p.1));
    let (width, height) = (PANEL.0 as i32, PANEL.1 as i32);
    let frame = [(MARGIN, HEADER), (width - MARGIN, height - MARGIN)];
    panel.draw(&Rectangle::new(frame, RGBColor(200, 200, 200))).map_err(text)?;
    let place = |&(x, y): &(f64, f64)| {
        let across = (x - x0) / (x1 - x0) * f64::from(frame[1].0 - frame[0].0);
        let up = (y - y0) / (y1 - y0) * f64::from(frame[1].1 - frame[0].1);
        (frame[0].0 + across as i32, frame[1].1 - up as i32)
    };
    let line: Vec<(i32, i32)> = points.iter().map(place).collect();
    panel.draw(&PathElement::new(line, RGBColor(30, 90, 180).stroke_width(2))).map_err(text)?;
    let last = points.last().map_or(0.0, |point| point.1);
    write(panel, (MARGIN, 4), name)?;
    write(panel, (MARGIN, 17), &format!("{} .. {}  last {}", short(y0), short(y1), short(last)))
}

fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.1e}") } else { format!("{value:.4}") }
}

/// Writes text in letters of 5 x 7 pixels.
fn write(panel: &Area<'_>, at: (i32, i32), text: &str) -> std::result::Result<(), String> {
    let mut x = at.0;
    for letter in text.chars() {
        for (row, bits) in glyph(letter).iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                panel.draw_pixel((x + column, at.1 + row as i32), &BLACK).map_err(|error| error.to_string())?;
            }
        }
        x += 6;
    }
    Ok(())
}

/// Letters, digits and the few signs that names and numbers need; rows from the top, five bits each.
fn glyph(letter: char) -> [u8; 7] {
    match letter {
        'a' => [0, 0, 14, 1, 15, 17, 15],
        'b' => [16, 16, 30, 17, 17, 17, 30],
        'c' => [0, 0, 14, 16, 16, 17, 14],
        'd' => [1, 1, 15, 17, 17, 17, 15],
        'e' => [0, 0, 14, 17, 31, 16, 14],
        'f' => [6, 9, 8, 28, 8, 8, 8],
        'g' => [0, 15, 17, 17, 15, 1, 14],
        'h' => [16, 16, 22, 25, 17, 17, 17],
        'i' => [4, 0, 12, 4, 4, 4, 14],
        'j' => [2, 0, 6, 2, 2, 18, 12],
        'k' => [16, 16, 18, 20, 24, 20, 18],
        'l' => [12, 4, 4, 4, 4, 4, 14],
        'm' => [0, 0, 26, 21, 21, 17, 17],
        'n' => [0, 0, 22, 25, 17, 17, 17],
        'o' => [0, 0, 14, 17, 17, 17, 14],
        'p' => [0, 0, 30, 17, 30, 16, 16],
        'q' => [0, 0, 13, 19, 15, 1, 1],
        'r' => [0, 0, 22, 25, 16, 16, 16],
        's' => [0, 0, 14, 16, 14, 1, 30],
        't' => [8, 8, 28, 8, 8, 9, 6],
        'u' => [0, 0, 17, 17, 17, 19, 13],
        'v' => [0, 0, 17, 17, 17, 10, 4],
        'w' => [0, 0, 17, 17, 21, 21, 10],
        'x' => [0, 0, 17, 10, 4, 10, 17],
        'y' => [0, 0, 17, 17, 15, 1, 14],
        'z' => [0, 0, 31, 2, 4, 8, 31],
        '0' => [14, 17, 19, 21, 25, 17, 14],
        '1' => [4, 12, 4, 4, 4, 4, 14],
        '2' => [14, 17, 1, 2, 4, 8, 31],
        '3' => [31, 2, 4, 2, 1, 17, 14],
        '4' => [2, 6, 10, 18, 31, 2, 2],
        '5' => [31, 16, 30, 1, 1, 17, 14],
        '6' => [6, 8, 16, 30, 17, 17, 14],
        '7' => [31, 1, 2, 4, 8, 8, 8],
        '8' => [14, 17, 17, 14, 17, 17, 14],
        '9' => [14, 17, 17, 15, 1, 2, 12],
        '.' => [0, 0, 0, 0, 0, 12, 12],
        '-' => [0, 0, 0, 31, 0, 0, 0],
        '_' => [0, 0, 0, 0, 0, 0, 31],
        _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    #[test]
    fn a_plot_shows_lines_and_letters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.png");
        let reports: Vec<Report> = (1..20)
            .map(|step| Report::from([("step".into(), f64::from(step)), ("loss".into(), 1.0 / f64::from(step))]))
            .collect();
        plot(&reports, &path).unwrap();
        let picture = image::open(&path).unwrap().into_rgb8();
        assert!(picture.pixels().any(|pixel| pixel.0 == [0, 0, 0]), "letters");
        assert!(picture.pixels().any(|pixel| pixel.0 == [30, 90, 180]), "a line");
        assert!(plot(&[], &path).is_err());
    }
}
