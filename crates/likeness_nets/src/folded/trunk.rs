//! The trunk with its normalisation folded into weights and biases.

use std::ops::Range;
use std::sync::Mutex;

use pulp::Arch;
use rayon::prelude::*;

use crate::error::Result;
use crate::kernels::conv::{ConvShape, bordered};
use crate::kernels::correlate::{Packed, Start, padded_channels};
use crate::kernels::winograd::{Finish, TILE, Transformed, Winograd};
use crate::trunk::{ResidualTrunk, Stage};

/// Border of stored activations.
const BORDER: usize = 1;

#[derive(Debug)]
struct FoldedStage {
    shapes: Stage,
    conv1: Packed,
    bias1: Vec<f32>,
    conv2: Second,
    shortcut: Packed,
    /// Of conv2 and the shortcut together.
    bias: Vec<f32>,
}

/// conv2's weights: by tiles where one image has enough of them.
#[derive(Debug)]
enum Second {
    Direct(Packed),
    Tiled(Winograd, Transformed),
}

/// Activations of one image, borders included; the borders are never written after the first zeros.
#[derive(Debug)]
struct Buffers {
    image: Vec<f32>,
    /// The inside, the shortcut and the result of each module.
    stages: Vec<[Vec<f32>; 3]>,
}

#[derive(Debug)]
pub(super) struct FoldedTrunk {
    size: usize,
    stages: Vec<FoldedStage>,
    features: usize,
    spare: Mutex<Vec<Buffers>>,
}

impl FoldedTrunk {
    pub(super) fn new(trunk: &ResidualTrunk) -> Result<Self> {
        let layers = trunk.folded_layers()?;
        let mut stages = Vec::new();
        for (shapes, [conv1, conv2, shortcut]) in trunk.stages().iter().zip(layers.as_chunks().0) {
            let pad = |bias: &[f32]| {
                let mut bias = bias.to_vec();
                bias.resize(padded_channels(bias.len()), 0.0);
                bias
            };
            let joined: Vec<f32> = conv2.1.iter().zip(&shortcut.1).map(|(a, b)| a + b).collect();
            stages.push(FoldedStage {
                shapes: shapes.clone(),
                conv1: shapes.conv1.pack(&conv1.0),
                bias1: pad(&conv1.1),
                conv2: match Winograd::new(&shapes.conv2).filter(Winograd::fits_one_image) {
                    Some(tiled) => Second::Tiled(tiled, tiled.pack(Arch::new(), &conv2.0)),
                    None => Second::Direct(shapes.conv2.pack(&conv2.0)),
                },
                shortcut: shapes.shortcut.pack(&shortcut.0),
                bias: pad(&joined),
            });
        }
        Ok(Self { size: trunk.size(), stages, features: trunk.features(), spare: Mutex::default() })
    }

    /// `[batch, 3, size, size]` to `[batch, features]`. A single image is spread over the threads by rows, a batch by images.
    pub(super) fn forward(&self, images: &[f32], batch: usize) -> Vec<f32> {
        let mut features = vec![0.0; batch * self.features];
        let image = 3 * self.size * self.size;
        if batch == 1 {
            self.image(images, rayon::current_num_threads(), &mut features);
        } else {
            let work = |(features, image): (&mut [f32], &[f32])| self.image(image, 1, features);
            features.par_chunks_mut(self.features).zip(images.par_chunks(image)).for_each(work);
        }
        features
    }

    fn image(&self, image: &[f32], threads: usize, features: &mut [f32]) {
        let arch = Arch::new();
        let mut buffers = self.take();
        let size = self.size;
        bordered(&mut buffers.image, size, size, 3, BORDER, |y, row| {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                for (c, value) in pixel.iter_mut().enumerate() {
                    *value = image[(c * size + y) * size + x];
                }
            }
        });
        for (index, stage) in self.stages.iter().enumerate() {
            let (before, rest) = buffers.stages.split_at_mut(index);
            let input: &[f32] = before.last().map_or(&buffers.image, |stage| &stage[2]);
            let [inner, side, out] = &mut rest[0];
            let Stage { conv1, conv2, shortcut } = &stage.shapes;
            bands(conv1, [inner], threads, |[out], rows| {
                let start = Start::Bias(&stage.bias1);
                conv1.forward_rows(arch, input, BORDER, &stage.conv1, start, true, out, BORDER, rows);
            });
            let inner = &*inner;
            let start = Start::Bias(&stage.bias);
            bands(conv2, [side, out], threads, |[side, out], rows| match &stage.conv2 {
                Second::Direct(weights) => {
                    let all = rows.clone();
                    shortcut.forward_rows(arch, input, BORDER, &stage.shortcut, start, false, out, BORDER, all);
                    conv2.forward_rows(arch, inner, BORDER, weights, Start::Output, true, out, BORDER, rows);
                }
                Second::Tiled(tiled, weights) => {
                    let all = rows.clone();
                    shortcut.forward_rows(arch, input, BORDER, &stage.shortcut, start, false, side, BORDER, all);
                    let finish = Finish { add: Some(side), relu: true, ..Finish::default() };
                    let rows = tiled.band_rows(rows.start / TILE..rows.end / TILE, BORDER);
                    tiled.forward(arch, inner, weights, rows, finish, out, BORDER);
                }
            });
        }
        if let (Some(stage), Some([_, _, out])) = (self.stages.last(), buffers.stages.last()) {
            let row = stage.shapes.side() * stage.shapes.conv2.cout;
            let line = row + 2 * BORDER * stage.shapes.conv2.cout;
            for (target, source) in features.chunks_exact_mut(row).zip(out.chunks_exact(line).skip(BORDER)) {
                target.copy_from_slice(&source[BORDER * stage.shapes.conv2.cout..][..row]);
            }
        }
        self.spare.lock().unwrap_or_else(|error| error.into_inner()).push(buffers);
    }

    fn take(&self) -> Buffers {
        let spare = self.spare.lock().unwrap_or_else(|error| error.into_inner()).pop();
        spare.unwrap_or_else(|| Buffers {
            image: vec![0.0; self.stages[0].shapes.conv1.input_len(BORDER)],
            stages: self
                .stages
                .iter()
                .map(|stage| {
                    let len = stage.shapes.conv2.input_len(BORDER);
                    [vec![0.0; len], vec![0.0; len], vec![0.0; len]]
                })
                .collect(),
        })
    }
}

/// Splits the output rows of a convolution into one band of whole tiles for each thread; `outs` are laid out like its result.
fn bands<const N: usize>(
    shape: &ConvShape,
    outs: [&mut [f32]; N],
    threads: usize,
    work: impl Fn([&mut [f32]; N], Range<usize>) + Sync,
) {
    let line = (shape.out_width() + 2 * BORDER) * shape.cout;
    let height = shape.out_height();
    let mut rest = outs.map(|out| &mut out[BORDER * line..][..height * line]);
    if threads <= 1 {
        work(rest, 0..height);
        return;
    }
    let rows = height.div_ceil(threads).next_multiple_of(TILE);
    rayon::scope(|scope| {
        let mut first = 0;
        while first < height {
            let last = (first + rows).min(height);
            let (band, others) = split(rest, (last - first) * line);
            rest = others;
            let work = &work;
            scope.spawn(move |_| work(band, first..last));
            first = last;
        }
    });
}

fn split<const N: usize>(all: [&mut [f32]; N], at: usize) -> ([&mut [f32]; N], [&mut [f32]; N]) {
    let mut second: [&mut [f32]; N] = std::array::from_fn(|_| Default::default());
    let mut rest = second.iter_mut();
    let first = all.map(|slice| {
        let (front, back) = slice.split_at_mut(at);
        if let Some(rest) = rest.next() {
            *rest = back;
        }
        front
    });
    (first, second)
}
