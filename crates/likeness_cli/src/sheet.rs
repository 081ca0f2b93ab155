//! The pictures that `create` writes, and contact sheets.

use crate::error::CliError;
use crate::picture_file::save_png;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use likeness_render::{Passes, Renderer, Shot, Views};
use likeness_vision::{Photo, Prediction};
use std::path::Path;
use std::sync::Arc;

/// Width and height of `render.png` and `matched.png`.
const PICTURE: u32 = 512;
/// Width and height of one panel of `sheet.png`.
const PANEL: u32 = 384;
/// How far the photo's panel reaches beyond the landmarks, as a share of their extent.
const MARGIN: f32 = 0.55;

/// Pictures side by side in rows, each scaled to a square of `panel` pixels.
pub(crate) fn contact_sheet(pictures: &[RgbImage], columns: u32, panel: u32) -> RgbImage {
    let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
    let columns = columns.min(count).max(1);
    let mut sheet = RgbImage::new(columns * panel, count.div_ceil(columns).max(1) * panel);
    for (index, picture) in (0..).zip(pictures) {
        let scaled = imageops::resize(picture, panel, panel, FilterType::CatmullRom);
        let (x, y) = (index % columns * panel, index / columns * panel);
        imageops::replace(&mut sheet, &scaled, i64::from(x), i64::from(y));
    }
    sheet
}

/// Draws shots in colour.
pub(crate) fn pictures(renderer: &mut Renderer, shots: &[Shot], size: u32) -> Result<Vec<RgbImage>, CliError> {
    let pictures = renderer.render(shots, size, Passes::COLOR)?;
    Ok(pictures.into_iter().map(|picture| DynamicImage::from(picture.color).to_rgb8()).collect())
}

/// Writes `render.png`, `matched.png` and `sheet.png`.
pub(crate) fn write_pictures(
    renderer: &mut Renderer,
    folder: &Path,
    photo: &Photo,
    prediction: &Prediction,
) -> Result<(), CliError> {
    let mut front = Shot::new(prediction.face.clone());
    front.photo_skin = prediction.skin.clone().map(Arc::new);
    let seen_from = |view: Views| Shot { pose: view.pose(), ..front.clone() };
    let matched = Shot { expression: prediction.expression, pose: prediction.pose, ..front.clone() };
    let shots = [matched, seen_from(Views::Front), seen_from(Views::ThreeQuarter), seen_from(Views::Side)];
    let drawn = pictures(renderer, &shots, PICTURE)?;
    for (picture, name) in drawn.iter().zip(["matched.png", "render.png"]) {
        save_png(&picture.clone().into(), &folder.join(name))?;
    }
    let mut panels = vec![photo_panel(photo, prediction)];
    panels.extend(drawn);
    save_png(&contact_sheet(&panels, 5, PANEL).into(), &folder.join("sheet.png"))
}

/// The photo round the face with its landmarks drawn in.
fn photo_panel(photo: &Photo, prediction: &Prediction) -> RgbImage {
    let points = &prediction.landmarks;
    let low = points.iter().fold(points[0], |low, point| low.min(*point));
    let high = points.iter().fold(points[0], |high, point| high.max(*point));
    let extent = (high - low).max_element().max(1.0) * (1.0 + 2.0 * MARGIN);
    let corner = (low + high) / 2.0 - extent / 2.0;
    let scale = PANEL as f32 / extent;
    let mut panel = likeness_vision::cut(&photo.pixels, corner, extent, PANEL);
    for point in points {
        let spot = (*point - corner) * scale;
        dot(&mut panel, spot.x, spot.y);
    }
    panel
}

fn dot(panel: &mut RgbImage, x: f32, y: f32) {
    const RADIUS: i64 = 2;
    let (x, y) = (x.round() as i64, y.round() as i64);
    for dy in -RADIUS..=RADIUS {
        for dx in -RADIUS..=RADIUS {
            let inside = dx * dx + dy * dy <= RADIUS * RADIUS;
            if let (true, Ok(px), Ok(py)) = (inside, u32::try_from(x + dx), u32::try_from(y + dy))
                && px < panel.width()
                && py < panel.height()
            {
                panel.put_pixel(px, py, Rgb([60, 230, 90]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_sheet_has_a_place_for_each_picture() {
        let pictures: Vec<_> = (0..7).map(|value| RgbImage::from_pixel(3, 3, Rgb([value * 30, 0, 0]))).collect();
        let sheet = contact_sheet(&pictures, 3, 8);
        assert_eq!(sheet.dimensions(), (24, 24));
        assert_eq!(sheet.get_pixel(4, 20), &Rgb([180, 0, 0]));
        assert_eq!(contact_sheet(&[], 3, 8).dimensions(), (8, 8));
    }
}
