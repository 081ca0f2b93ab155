//! Face detection with SeetaFace's funnel-structured cascade (Wu et al. 2016) through the crate `rustface`.

use crate::photo::Photo;
use image::RgbImage;
use rayon::prelude::*;
use rustface::{ImageData, Model};

/// SeetaFace's frontal model, BSD 2-Clause.
const MODEL: &[u8] = include_bytes!("../../../assets/models/seeta_fd_frontal_v1.0.bin");
/// The cascade's window: the smallest face, in pixels of the copy that is searched.
const WINDOW: u32 = 40;
/// Long sides of the copies that are searched one after the other until one shows a face. The first finds faces from an
/// eighth of the picture up, and is what an ordinary photo costs; the last goes below the smallest face that can be
/// used, so that such a face is reported as too small and not as absent.
const COPY_SIDES: [u32; 4] = [320, 512, 960, 1600];
/// Width in pixels of the copy from which a largest face ends the search; below it, faces of nearly its size may have
/// been missed.
const SURE_WIDTH: f32 = 50.0;
/// Small photos are enlarged at most this much in the search for small faces.
const MAX_ENLARGEMENT: f32 = 2.0;
/// A face that fills the frame is found when the picture has a border, this part of its long side.
const BORDER: f32 = 0.3;
/// Sum of the cascade's scores that a face needs.
const SCORE_THRESHOLD: f32 = 2.8;
/// Ratio of neighbouring sizes at which faces are looked for.
const PYRAMID_STEP: f32 = 0.7;
/// Distance between neighbouring windows, pixels of the copy.
const WINDOW_STEP: u32 = 4;
/// Boxes that cover each other by more than this part of the smaller one are the same face.
const SAME_FACE: f32 = 0.5;

/// Where a face is: a square about the inner face, from above the brows to below the mouth. Pixels of the upright
/// photo; a corner may lie outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceBox {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
    /// The cascade's summed score: about 3 for a doubtful face, above 20 for a clear one.
    pub score: f32,
}

impl FaceBox {
    /// The part of the smaller box that both share, 0..1.
    fn shared(&self, other: &Self) -> f32 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        w.max(0.0) * h.max(0.0) / (self.w * self.h).min(other.w * other.h)
    }
}

/// Finds upright faces. It keeps no state between photos and may be used from several threads at once.
pub struct Detector {
    model: Model,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Detector")
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// Reads the model that is built into the program.
    ///
    /// # Panics
    /// Never: the model is part of the program and its reading is tested.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the bytes are a constant of the program")]
        let model = rustface::read_model(MODEL).expect("the built-in detection model is complete");
        Self { model }
    }

    /// The faces of a photo, the largest first. Sideways or upside-down faces are not looked for: a photo is turned
    /// upright by its EXIF orientation.
    #[must_use]
    pub fn detect(&self, photo: &Photo) -> Vec<FaceBox> {
        let (width, height) = photo.pixels.dimensions();
        let long = width.max(height) as f32;
        let mut found = Vec::new();
        let mut last = 0.0;
        for side in COPY_SIDES {
            let scale = (side as f32 / long).min(if side == COPY_SIDES[0] { 1.0 } else { MAX_ENLARGEMENT });
            if scale > last * 1.05 {
                let faces = self.search(&photo.pixels, scale, 0.0);
                if faces.first().is_some_and(|face| face.w * scale >= SURE_WIDTH) {
                    return faces;
                }
                if !faces.is_empty() {
                    found = faces;
                } else if !found.is_empty() {
                    break;
                }
                last = scale;
            }
        }
        if found.is_empty() {
            found = self.search(&photo.pixels, (COPY_SIDES[0] as f32 / long).min(1.0), BORDER);
        }
        found
    }

    /// The faces of a copy of this scale, the largest first.
    ///
    /// The copy itself shows the cascade's windows at their smallest size, which takes about as long as all larger sizes
    /// together: the two go side by side, the larger sizes on a smaller copy.
    fn search(&self, pixels: &RgbImage, scale: f32, border: f32) -> Vec<FaceBox> {
        let (mut faces, larger) = rayon::join(
            || self.windows(&GreyCopy::new(pixels, scale, border), Some(WINDOW + 1)),
            || self.windows(&GreyCopy::new(pixels, scale * PYRAMID_STEP, border), None),
        );
        faces.extend(larger);
        let mut kept = joined(faces);
        kept.retain(|face| face.score >= SCORE_THRESHOLD);
        kept.sort_by(|a, b| (b.w * b.h).total_cmp(&(a.w * a.h)));
        kept
    }

    /// What the cascade takes for faces on a copy, up to a largest size in pixels of the copy; none for all that fit.
    fn windows(&self, copy: &GreyCopy, largest: Option<u32>) -> Vec<FaceBox> {
        let short = copy.width.min(copy.height);
        if short <= WINDOW {
            return Vec::new();
        }
        let mut detector = rustface::create_detector_with_model(self.model.clone());
        // One less than the picture keeps the smallest level of the pyramid from being rounded below the window.
        detector.set_max_face_size((short - 1).min(largest.unwrap_or(u32::MAX)));
        // A face that two searches share needs the threshold in sum alone.
        detector.set_score_thresh(f64::MIN_POSITIVE);
        detector.set_pyramid_scale_factor(PYRAMID_STEP);
        detector.set_slide_window_step(WINDOW_STEP, WINDOW_STEP);
        let found = detector.detect(&ImageData::new(&copy.pixels, copy.width, copy.height));
        found
            .iter()
            .filter(|face| face.bbox().width() > 0 && face.bbox().height() > 0)
            .map(|face| FaceBox {
                x: (face.bbox().x() as f32 - copy.border) * copy.step_x,
                y: (face.bbox().y() as f32 - copy.border) * copy.step_y,
                w: face.bbox().width() as f32 * copy.step_x,
                h: face.bbox().height() as f32 * copy.step_y,
                score: face.score() as f32,
            })
            .collect()
    }
}

/// The best box of each cluster, with the scores of all in it.
fn joined(mut faces: Vec<FaceBox>) -> Vec<FaceBox> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<FaceBox> = Vec::with_capacity(faces.len());
    for face in faces {
        match kept.iter_mut().find(|other| other.shared(&face) >= SAME_FACE) {
            Some(same) => same.score += face.score,
            None => kept.push(face),
        }
    }
    kept
}

/// A grey copy of a photo at another size.
struct GreyCopy {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
    /// Width of the border, pixels of the copy.
    border: f32,
    /// Photo pixels a pixel of the copy.
    step_x: f32,
    step_y: f32,
}

impl GreyCopy {
    /// Averages the photo's pixels under each pixel of the copy, or repeats them where the copy is larger. `border` is
    /// a part of the long side; it repeats the picture's edge.
    fn new(photo: &RgbImage, scale: f32, border: f32) -> Self {
        let (from_w, from_h) = (photo.width() as usize, photo.height() as usize);
        let to = |side: usize| ((side as f32 * scale).round() as usize).max(1);
        let (to_w, to_h) = (to(from_w), to(from_h));
        let pad = (border * to_w.max(to_h) as f32).round() as usize;
        let range = |at: usize, from: usize, to: usize| {
            let start = at * from / to;
            start..((at + 1) * from / to).max(start + 1)
        };
        let columns: Vec<_> = (0..to_w).map(|x| range(x, from_w, to_w)).collect();
        let stride = to_w + 2 * pad;
        let mut pixels = vec![0u8; stride * (to_h + 2 * pad)];
        let raw = photo.as_raw();
        pixels.par_chunks_mut(stride).enumerate().for_each_init(
            || vec![[0u32; 3]; from_w],
            |sums, (y, row)| {
                let rows = range(y.saturating_sub(pad).min(to_h - 1), from_h, to_h);
                sums.fill([0; 3]);
                for source in rows.clone() {
                    for (sum, pixel) in
                        sums.iter_mut().zip(raw[source * from_w * 3..(source + 1) * from_w * 3].as_chunks::<3>().0)
                    {
                        for (sum, &value) in sum.iter_mut().zip(pixel) {
                            *sum += u32::from(value);
                        }
                    }
                }
                for (x, grey) in row.iter_mut().enumerate() {
                    let columns = columns[x.saturating_sub(pad).min(to_w - 1)].clone();
                    let count = (rows.len() * columns.len()) as u32;
                    let mut total = [0u32; 3];
                    for sum in &sums[columns] {
                        for (total, &value) in total.iter_mut().zip(sum) {
                            *total += value;
                        }
                    }
                    let [r, g, b] = total.map(u64::from);
                    // Rec. 601 luma in 16-bit fixed point.
                    *grey = ((19595 * r + 38470 * g + 7471 * b) / (u64::from(count) << 16)) as u8;
                }
            },
        );
        Self {
            pixels,
            width: stride as u32,
            height: (to_h + 2 * pad) as u32,
            border: pad as f32,
            step_x: from_w as f32 / to_w as f32,
            step_y: from_h as f32 / to_h as f32,
        }
    }
}
