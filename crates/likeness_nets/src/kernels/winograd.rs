//! 3x3 convolutions with stride 1 by minimal filtering: tiles of 4x4 results from patches of 6x6 inputs.
//!
//! After S. Winograd, "Arithmetic Complexity of Computations", 1980, and A. Lavin, S. Gray, "Fast Algorithms for Convolutional
//! Neural Networks", CVPR 2016: with the points 0, 1, -1, 2, -2 and infinity a patch, a filter and a result tile are each
//! brought into a space of 36 points, where the convolution is a matrix product over the channels at every point: a quarter
//! of the multiplications. The three transforms are linear, so the weight gradient is summed in the same space.
//!
//! Rounding errors are some ten times those of the direct sum (still about 1e-6 of the largest value).

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};

use super::conv::ConvShape;
use super::correlate::{LANE_GROUP, OuterWalk, Packed, SLACK, Start, Walk, blocks, correlate, outer, padded_channels};

/// Side of a tile of results, of the patch that it is made from, and points of the transformed space.
pub(crate) const TILE: usize = 4;
const PATCH: usize = 6;
const POINTS: usize = PATCH * PATCH;

/// Tiles that are transformed at once: enough for the products to use each weight often, few enough for their values to stay
/// in the second-level cache.
const BAND: usize = 32;

/// A convolution that is done by tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Winograd {
    shape: ConvShape,
}

/// Weights in the transformed space.
#[derive(Debug, Clone)]
pub(crate) struct Transformed(Vec<Packed>);

/// Where one row of tiles is read and written, in floats: the upper left corner of its first patch, and its first pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileRow {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

/// What is done to the sums on their way out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// One value an output channel.
    pub(crate) bias: Option<&'a [f32]>,
    /// Values to add, laid out like the results.
    pub(crate) add: Option<&'a [f32]>,
    pub(crate) relu: bool,
}

thread_local! {
    static BUFFERS: RefCell<[Vec<f32>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

/// Runs `work` on three buffers of the current thread, kept between calls.
fn with_buffers<R>(len: [usize; 3], work: impl FnOnce(&mut [f32], &mut [f32], &mut [f32]) -> R) -> R {
    BUFFERS.with(|cell| {
        let mut buffers = cell.take();
        for (buffer, len) in buffers.iter_mut().zip(len) {
            if buffer.len() < len {
                buffer.resize(len, 0.0);
            }
        }
        let [a, b, c] = &mut buffers;
        let result = work(&mut a[..len[0]], &mut b[..len[1]], &mut c[..len[2]]);
        cell.replace(buffers);
        result
    })
}

/// Distance between the points' planes for `tiles` tiles; a little more than they need, so that planes do not fall on the
/// same cache lines, and so that [`outer`] may read on.
fn plane(tiles: usize, channels: usize) -> usize {
    tiles * channels + SLACK
}

impl Winograd {
    /// The convolution by tiles, where it can be done so: 3x3, stride 1, padded by 1, whole tiles, at least one AVX-512 register
    /// of channels on both sides.
    pub(crate) fn new(shape: &ConvShape) -> Option<Self> {
        let fits = (shape.kernel, shape.stride, shape.pad) == (3, 1, 1)
            && shape.height.is_multiple_of(TILE)
            && shape.width.is_multiple_of(TILE)
            && shape.height * shape.width > 0
            && shape.cin.min(shape.cout) >= LANE_GROUP;
        fits.then_some(Self { shape: *shape })
    }

    /// Rows of tiles in an image, and tiles in a row.
    fn tiles(&self) -> (usize, usize) {
        (self.shape.height / TILE, self.shape.width / TILE)
    }

    /// Whether one image alone has enough tiles to make up for reading the transformed weights, which are four times as many.
    pub(crate) fn fits_one_image(&self) -> bool {
        let (rows, columns) = self.tiles();
        rows * columns >= BAND / 2
    }

    /// Some of the rows of tiles of one image; `out` begins at the left border of the first of them.
    pub(crate) fn band_rows(
        &self,
        tile_rows: std::ops::Range<usize>,
        out_border: usize,
    ) -> impl Iterator<Item = TileRow> + Clone {
        let shape = self.shape;
        let line = (shape.width + 2 * out_border) * shape.cout;
        tile_rows.clone().map(move |row| TileRow {
            input: row * TILE * (shape.width + 2) * shape.cin,
            output: (row - tile_rows.start) * TILE * line + out_border * shape.cout,
        })
    }

    /// Images that should be handed over together, so that their tiles fill a band.
    pub(crate) fn images(&self) -> usize {
        let (rows, columns) = self.tiles();
        BAND.div_ceil(rows * columns)
    }

    /// Length of the weight gradient's sum in the transformed space.
    pub(crate) fn sum_len(&self) -> usize {
        POINTS * self.shape.cin * padded_channels(self.shape.cout)
    }

    /// `weight` is `[cout, cin, 3, 3]`.
    pub(crate) fn pack(&self, arch: Arch, weight: &[f32]) -> Transformed {
        let (cin, cout) = (self.shape.cin, self.shape.cout);
        transform_weights(arch, cin, cout, |ci, co, tap| weight[(co * cin + ci) * 9 + tap])
    }

    /// The convolution that gives the input gradient from the output gradient, and its weights.
    pub(crate) fn transposed(&self, arch: Arch, weight: &[f32]) -> (Self, Transformed) {
        let (cin, cout) = (self.shape.cin, self.shape.cout);
        let weights = transform_weights(arch, cout, cin, |co, ci, tap| weight[(co * cin + ci) * 9 + 8 - tap]);
        (Self { shape: ConvShape { cin: cout, cout: cin, ..self.shape } }, weights)
    }

    /// The rows of tiles of whole images that lie one after another, read with a border of 1 and written with a border of
    /// `out_border`.
    pub(crate) fn image_rows(&self, images: usize, out_border: usize) -> impl Iterator<Item = TileRow> + Clone {
        let shape = self.shape;
        (0..images).flat_map(move |image| {
            let line = (shape.width + 2 * out_border) * shape.cout;
            let output = image * shape.output_len(out_border) + out_border * (line + shape.cout);
            (0..shape.height / TILE).map(move |row| TileRow {
                input: image * shape.input_len(1) + row * TILE * (shape.width + 2) * shape.cin,
                output: output + row * TILE * line,
            })
        })
    }

    /// The convolution of `rows` of tiles; `input` has a border of 1, `out` one of `out_border` that is left alone.
    pub(crate) fn forward(
        &self,
        arch: Arch,
        input: &[f32],
        weights: &Transformed,
        rows: impl Iterator<Item = TileRow> + Clone,
        finish: Finish<'_>,
        out: &mut [f32],
        out_border: usize,
    ) {
        let ConvShape { cin, cout, width, .. } = self.shape;
        let columns = self.tiles().1;
        let line = (width + 2) * cin;
        let out_line = (width + 2 * out_border) * cout;
        let band = (BAND / columns).max(1);
        let (plane_in, plane_out) = (plane(band * columns, cin), plane(band * columns, cout));
        with_buffers([PATCH * line, POINTS * plane_in, POINTS * plane_out], |spare, patches, sums| {
            let (mut reading, mut writing) = (rows.clone(), rows);
            loop {
                let mut count = 0;
                for row in reading.by_ref().take(band) {
                    let input = &input[row.input..][..PATCH * line];
                    let planes = &mut patches[count * columns * cin..];
                    arch.dispatch(InputTransform { input, line, channels: cin, planes, plane: plane_in, spare });
                    count += 1;
                }
                if count == 0 {
                    break;
                }
                let tiles = count * columns;
                let walk =
                    Walk { height: 1, width: tiles, tap_row: 0, in_row: 0, in_step: cin, out_row: 0, out_step: cout };
                let planes = patches.chunks_exact(plane_in).zip(sums.chunks_exact_mut(plane_out));
                for (weights, (patches, sums)) in weights.0.iter().zip(planes) {
                    correlate(arch, walk, patches, weights, Start::Zero, false, sums);
                }
                for (index, row) in writing.by_ref().take(count).enumerate() {
                    let add = finish.add.map(|add| &add[row.output..]);
                    arch.dispatch(OutputTransform {
                        planes: &sums[index * columns * cout..],
                        plane: plane_out,
                        tiles: columns,
                        channels: cout,
                        finish: Finish { add, ..finish },
                        out: &mut out[row.output..],
                        line: out_line,
                    });
                }
            }
        });
    }

    /// Adds the weight gradient of `images` images to the sum in the transformed space; inputs and gradients both have a border
    /// of 1.
    pub(crate) fn weight_gradient(&self, arch: Arch, images: usize, input: &[f32], gradient: &[f32], sum: &mut [f32]) {
        let ConvShape { cin, cout, width, .. } = self.shape;
        let columns = self.tiles().1;
        let (line, gradient_line) = ((width + 2) * cin, (width + 2) * cout);
        let band = (BAND / columns).max(1);
        let (plane_in, plane_out) = (plane(band * columns, cin), plane(band * columns, cout));
        let rows: Vec<TileRow> = self.image_rows(images, 1).collect();
        with_buffers([PATCH * line, POINTS * plane_in, POINTS * plane_out], |spare, patches, results| {
            for rows in rows.chunks(band) {
                for (index, row) in rows.iter().enumerate() {
                    let input = &input[row.input..][..PATCH * line];
                    let planes = &mut patches[index * columns * cin..];
                    arch.dispatch(InputTransform { input, line, channels: cin, planes, plane: plane_in, spare });
                    arch.dispatch(GradientTransform {
                        gradient: &gradient[row.output..],
                        line: gradient_line,
                        tiles: columns,
                        channels: cout,
                        planes: &mut results[index * columns * cout..],
                        plane: plane_out,
                    });
                }
                let walk = OuterWalk {
                    height: 1,
                    width: rows.len() * columns,
                    rows: 1,
                    tap_row: 0,
                    run: cin,
                    in_row: 0,
                    in_step: cin,
                    out_row: 0,
                    channels: cout,
                };
                let planes = patches.chunks_exact(plane_in).zip(results.chunks_exact(plane_out));
                for (sum, (patches, results)) in sum.chunks_exact_mut(cin * padded_channels(cout)).zip(planes) {
                    outer(arch, walk, patches, results, sum);
                }
            }
        });
    }

    /// Brings a sum of [`Self::weight_gradient`] into the layout of [`ConvShape::weight_gradient`].
    pub(crate) fn finish_weight_gradient(&self, arch: Arch, sum: &[f32], out: &mut [f32]) {
        let plane = self.shape.cin * padded_channels(self.shape.cout);
        arch.dispatch(WeightGradientTransform { planes: &sum[..POINTS * plane], plane, out: &mut out[..9 * plane] });
    }
}

/// The value at an index that the caller has checked.
///
/// # Safety
/// `at + S::F32_LANES <= values.len()`.
#[inline(always)]
unsafe fn load<S: Simd>(_: S, values: &[f32], at: usize) -> S::f32s {
    debug_assert!(at + S::F32_LANES <= values.len());
    // SAFETY: the caller's promise; `f32s` has the alignment of the register, so the read is unaligned.
    unsafe { values.as_ptr().add(at).cast::<S::f32s>().read_unaligned() }
}

/// Stores at an index that the caller has checked.
///
/// # Safety
/// `at + S::F32_LANES <= values.len()`.
#[inline(always)]
unsafe fn store<S: Simd>(_: S, values: &mut [f32], at: usize, value: S::f32s) {
    debug_assert!(at + S::F32_LANES <= values.len());
    // SAFETY: the caller's promise; the write is unaligned.
    unsafe { values.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(value) }
}

/// Calls `work` at register after register of `len` values, the last one overlapping; `len` is at least one register.
#[inline(always)]
fn registers<S: Simd>(_: S, len: usize, mut work: impl FnMut(usize)) {
    let mut at = 0;
    while at < len {
        work(at.min(len - S::F32_LANES));
        at += S::F32_LANES;
    }
}

/// Six inputs in a row to the six points.
#[inline(always)]
fn patch_points<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
    let (two, four, five) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(5.0));
    let even = simd.negate_mul_add_e_f32s(four, d[2], d[4]);
    let odd = simd.negate_mul_add_e_f32s(four, d[1], d[3]);
    let even2 = simd.sub_f32s(d[4], d[2]);
    let odd2 = simd.sub_f32s(d[3], d[1]);
    [
        simd.mul_add_e_f32s(four, d[0], simd.negate_mul_add_e_f32s(five, d[2], d[4])),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.mul_add_e_f32s(two, odd2, even2),
        simd.negate_mul_add_e_f32s(two, odd2, even2),
        simd.mul_add_e_f32s(four, d[1], simd.negate_mul_add_e_f32s(five, d[3], d[5])),
    ]
}

/// Six points to the four results in a row.
#[inline(always)]
fn tile_results<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
    let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
    let (even, odd) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (even2, odd2) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(m[0], simd.add_f32s(even, even2)),
        simd.mul_add_e_f32s(two, odd2, odd),
        simd.mul_add_e_f32s(four, even2, even),
        simd.add_f32s(m[5], simd.mul_add_e_f32s(eight, odd2, odd)),
    ]
}

/// The transpose of [`tile_results`]: gradients of four results to those of the six points.
#[inline(always)]
fn tile_points<S: Simd>(simd: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
    let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
    let (even, odd) = (simd.add_f32s(y[0], y[2]), simd.add_f32s(y[1], y[3]));
    let even2 = simd.mul_add_e_f32s(four, y[2], y[0]);
    let odd2 = simd.mul_add_e_f32s(eight, y[3], simd.mul_f32s(two, y[1]));
    [
        y[0],
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(even2, odd2),
        simd.sub_f32s(even2, odd2),
        y[3],
    ]
}

#[inline(always)]
fn scaled<S: Simd>(simd: S, factor: f32, value: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), value)
}

/// `N` registers that lie `step` floats apart.
///
/// # Safety
/// The last one ends inside `values`.
#[inline(always)]
unsafe fn load_each<S: Simd, const N: usize>(simd: S, values: &[f32], at: usize, step: usize) -> [S::f32s; N] {
    let mut loaded = [simd.splat_f32s(0.0); N];
    for (i, value) in loaded.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *value = unsafe { load(simd, values, at + i * step) };
    }
    loaded
}

/// Stores registers `step` floats apart.
///
/// # Safety
/// The last one ends inside `values`.
#[inline(always)]
unsafe fn store_each<S: Simd, const N: usize>(simd: S, values: &mut [f32], at: usize, step: usize, all: [S::f32s; N]) {
    for (i, &value) in all.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { store(simd, values, at + i * step, value) };
    }
}

/// The columns' row `row`.
#[inline(always)]
fn across<S: Simd, const N: usize, const M: usize>(simd: S, columns: &[[S::f32s; M]; N], row: usize) -> [S::f32s; N] {
    let mut values = [simd.splat_f32s(0.0); N];
    for (value, column) in values.iter_mut().zip(columns) {
        *value = column[row];
    }
    values
}

/// Three filter values in a row to the six points.
#[inline(always)]
fn filter_points<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
    let even = scaled(simd, -1.0 / 6.0, simd.add_f32s(g[0], g[2]));
    let odd = scaled(simd, -1.0 / 6.0, g[1]);
    let even2 = simd.mul_add_e_f32s(simd.splat_f32s(1.0 / 24.0), g[0], scaled(simd, 1.0 / 6.0, g[2]));
    let odd2 = scaled(simd, 1.0 / 12.0, g[1]);
    [
        scaled(simd, 0.25, g[0]),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(even2, odd2),
        simd.sub_f32s(even2, odd2),
        g[2],
    ]
}

/// The transpose of [`filter_points`].
#[inline(always)]
fn filter_gradient<S: Simd>(simd: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
    let (even, odd) = (simd.add_f32s(u[1], u[2]), simd.sub_f32s(u[2], u[1]));
    let (even2, odd2) = (simd.add_f32s(u[3], u[4]), simd.sub_f32s(u[3], u[4]));
    let sixth = scaled(simd, 1.0 / 6.0, even);
    [
        simd.mul_add_e_f32s(simd.splat_f32s(0.25), u[0], simd.sub_f32s(scaled(simd, 1.0 / 24.0, even2), sixth)),
        simd.mul_add_e_f32s(simd.splat_f32s(1.0 / 12.0), odd2, scaled(simd, 1.0 / 6.0, odd)),
        simd.add_f32s(u[5], simd.sub_f32s(scaled(simd, 1.0 / 6.0, even2), sixth)),
    ]
}

/// One row of patches (six lines of the input) to its tiles' points.
struct InputTransform<'a> {
    /// Six lines of `line` floats.
    input: &'a [f32],
    line: usize,
    channels: usize,
    /// Begins at the first tile of the first point's plane.
    planes: &'a mut [f32],
    plane: usize,
    /// As long as `input`.
    spare: &'a mut [f32],
}

impl WithSimd for InputTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { input, line, channels, planes, plane, spare } = self;
        let tiles = (line / channels - 2) / TILE;
        assert!(channels >= S::F32_LANES && (TILE * tiles + 2) * channels <= line);
        assert!(input.len() >= PATCH * line && spare.len() >= PATCH * line);
        assert!(planes.len() >= (POINTS - 1) * plane + tiles * channels);
        registers(
            simd,
            line,
            #[inline(always)]
            |at| {
                // SAFETY: `at + lanes <= line`, and both buffers hold six lines.
                unsafe { store_each(simd, spare, at, line, patch_points(simd, load_each(simd, input, at, line))) }
            },
        );
        for tile in 0..tiles {
            for row in 0..PATCH {
                let from = row * line + tile * TILE * channels;
                let to = row * PATCH * plane + tile * channels;
                registers(
                    simd,
                    channels,
                    #[inline(always)]
                    |at| {
                        // SAFETY: `at + lanes <= channels`; the last patch ends within the line and the last plane within
                        // `planes`, by the assertions above.
                        unsafe {
                            let points = patch_points(simd, load_each(simd, spare, from + at, channels));
                            store_each(simd, planes, to + at, plane, points);
                        }
                    },
                );
            }
        }
    }
}

/// The points of one row of tiles to four lines of results.
struct OutputTransform<'a> {
    /// Begins at the first tile of the first point's plane.
    planes: &'a [f32],
    plane: usize,
    tiles: usize,
    channels: usize,
    finish: Finish<'a>,
    /// Begins at the first pixel.
    out: &'a mut [f32],
    line: usize,
}

impl WithSimd for OutputTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, plane, tiles, channels, finish, out, line } = self;
        let end = (TILE - 1) * line + TILE * tiles * channels;
        assert!(channels >= S::F32_LANES && planes.len() >= (POINTS - 1) * plane + tiles * channels);
        assert!(out.len() >= end && finish.add.is_none_or(|add| add.len() >= end));
        assert!(finish.bias.is_none_or(|bias| bias.len() >= channels));
        let floor = simd.splat_f32s(if finish.relu { 0.0 } else { f32::NEG_INFINITY });
        for tile in 0..tiles {
            registers(
                simd,
                channels,
                #[inline(always)]
                |at| {
                    // SAFETY: `at + lanes <= channels`; the last tile's points and pixels lie inside, by the assertions above.
                    // Registers overlap, but what is stored never depends on what `out` held.
                    unsafe {
                        let mut columns = [[simd.splat_f32s(0.0); TILE]; PATCH];
                        for (column, results) in columns.iter_mut().enumerate() {
                            let from = column * plane + tile * channels + at;
                            *results = tile_results(simd, load_each(simd, planes, from, PATCH * plane));
                        }
                        let bias = match finish.bias {
                            Some(bias) => load(simd, bias, at),
                            None => simd.splat_f32s(0.0),
                        };
                        for row in 0..TILE {
                            let results = tile_results(simd, across(simd, &columns, row));
                            for (column, &value) in results.iter().enumerate() {
                                let to = row * line + (tile * TILE + column) * channels + at;
                                let mut value = simd.add_f32s(value, bias);
                                if let Some(add) = finish.add {
                                    value = simd.add_f32s(value, load(simd, add, to));
                                }
                                store(simd, out, to, simd.max_f32s(value, floor));
                            }
                        }
                    }
                },
            );
        }
    }
}

/// Four lines of result gradients to the points of their tiles.
struct GradientTransform<'a> {
    /// Begins at the first pixel.
    gradient: &'a [f32],
    line: usize,
    tiles: usize,
    channels: usize,
    /// Begins at the first tile of the first point's plane.
    planes: &'a mut [f32],
    plane: usize,
}

impl WithSimd for GradientTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { gradient, line, tiles, channels, planes, plane } = self;
        assert!(channels >= S::F32_LANES && gradient.len() >= (TILE - 1) * line + TILE * tiles * channels);
        assert!(planes.len() >= (POINTS - 1) * plane + tiles * channels);
        for tile in 0..tiles {
            registers(
                simd,
                channels,
                #[inline(always)]
                |at| {
                    // SAFETY: `at + lanes <= channels`; the last tile's pixels and points lie inside, by the assertions above.
                    unsafe {
                        let mut columns = [[simd.splat_f32s(0.0); PATCH]; TILE];
                        for (column, points) in columns.iter_mut().enumerate() {
                            let from = (tile * TILE + column) * channels + at;
                            *points = tile_points(simd, load_each(simd, gradient, from, line));
                        }
                        for row in 0..PATCH {
                            let to = row * PATCH * plane + tile * channels + at;
                            store_each(simd, planes, to, plane, tile_points(simd, across(simd, &columns, row)));
                        }
                    }
                },
            );
        }
    }
}

/// The weight gradient's 36 planes to nine.
struct WeightGradientTransform<'a> {
    planes: &'a [f32],
    plane: usize,
    out: &'a mut [f32],
}

impl WithSimd for WeightGradientTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { planes, plane, out } = self;
        assert!(plane >= S::F32_LANES && planes.len() >= POINTS * plane && out.len() >= 9 * plane);
        registers(
            simd,
            plane,
            #[inline(always)]
            |at| {
                // SAFETY: `at + lanes <= plane`, and both buffers hold their planes.
                unsafe {
                    let mut columns = [[simd.splat_f32s(0.0); 3]; PATCH];
                    for (column, taps) in columns.iter_mut().enumerate() {
                        let points = load_each(simd, planes, column * plane + at, PATCH * plane);
                        *taps = filter_gradient(simd, points);
                    }
                    for row in 0..3 {
                        let taps = filter_gradient(simd, across(simd, &columns, row));
                        store_each(simd, out, row * 3 * plane + at, plane, taps);
                    }
                }
            },
        );
    }
}

/// Nine planes of filter values `[from, block of channels]` to the 36 points'.
struct FilterTransform<'a> {
    filters: &'a [f32],
    plane: usize,
    points: &'a mut [f32],
}

impl WithSimd for FilterTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { filters, plane, points: points_out } = self;
        assert!(plane >= S::F32_LANES && filters.len() >= 9 * plane && points_out.len() >= POINTS * plane);
        registers(
            simd,
            plane,
            #[inline(always)]
            |at| {
                // SAFETY: `at + lanes <= plane`, and both buffers hold their planes.
                unsafe {
                    let mut columns = [[simd.splat_f32s(0.0); PATCH]; 3];
                    for (column, points) in columns.iter_mut().enumerate() {
                        *points = filter_points(simd, load_each(simd, filters, column * plane + at, 3 * plane));
                    }
                    for row in 0..PATCH {
                        let points = filter_points(simd, across(simd, &columns, row));
                        store_each(simd, points_out, row * PATCH * plane + at, plane, points);
                    }
                }
            },
        );
    }
}

/// Weights from `weight(input channel, output channel, tap)`.
fn transform_weights(
    arch: Arch,
    inputs: usize,
    outputs: usize,
    weight: impl Fn(usize, usize, usize) -> f32,
) -> Transformed {
    // In the order of packed weights, in which the transform goes element by element.
    let plane = inputs * padded_channels(outputs);
    let mut filters = vec![0.0; 9 * plane];
    let mut at = 0;
    for (first, width) in blocks(outputs) {
        for input in 0..inputs {
            for output in first..(first + width).min(outputs) {
                for tap in 0..9 {
                    filters[tap * plane + at + output - first] = weight(input, output, tap);
                }
            }
            at += width;
        }
    }
    let mut points = vec![0.0; POINTS * plane];
    arch.dispatch(FilterTransform { filters: &filters, plane, points: &mut points });
    Transformed(points.chunks_exact(plane).map(|point| Packed::from_vec(point.to_vec(), 1, inputs, outputs)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv::bordered;
    use crate::kernels::correlate::tests::architectures;

    fn noise(len: usize, seed: usize) -> Vec<f32> {
        let mut state = seed as u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }

    /// Images with a border of zeros, one after another.
    fn images(count: usize, height: usize, width: usize, channels: usize, seed: usize) -> Vec<f32> {
        let values = noise(count * height * width * channels, seed);
        let mut padded = vec![0.0; count * (height + 2) * (width + 2) * channels + SLACK];
        let pairs = padded.chunks_exact_mut((height + 2) * (width + 2) * channels);
        for (target, image) in pairs.zip(values.chunks_exact(height * width * channels)) {
            bordered(target, height, width, channels, 1, |y, row| {
                row.copy_from_slice(&image[y * width * channels..][..width * channels]);
            });
        }
        padded
    }

    fn assert_close(got: &[f32], expected: &[f32], what: &str) {
        assert_eq!(got.len(), expected.len());
        let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 2e-5 * largest, "{what}: {got} {expected} of {largest}");
        }
    }

    #[test]
    fn tiles_give_what_taps_give_on_every_instruction_set() {
        let sizes = [(4, 4, 16, 16, 1), (8, 12, 24, 17, 3), (12, 8, 33, 48, 2), (4, 8, 50, 130, 9)];
        for (height, width, cin, cout, count) in sizes {
            let shape = ConvShape { kernel: 3, stride: 1, pad: 1, cin, cout, height, width };
            let tiled = Winograd::new(&shape).expect("the shape fits");
            let input = images(count, height, width, cin, 1);
            let gradient = images(count, height, width, cout, 2);
            let weight = noise(shape.weight_len(), 3);
            let bias = noise(padded_channels(cout), 4);
            let add = noise(count * shape.output_len(0), 5);
            for arch in architectures() {
                let what = format!("{shape:?} {arch:?}");
                let mut expected = add.clone();
                let mut expected_input = vec![0.0; count * shape.input_len(0)];
                let mut expected_sum = vec![0.0; shape.sum_len()];
                let (packed, phases) = (shape.pack(&weight), shape.pack_transposed(&weight));
                for image in 0..count {
                    let input = &input[image * shape.input_len(1)..][..shape.input_len(1)];
                    let gradient = &gradient[image * shape.output_len(1)..][..shape.gradient_len()];
                    let out = &mut expected[image * shape.output_len(0)..][..shape.output_len(0)];
                    for pixel in out.chunks_exact_mut(cout) {
                        pixel.iter_mut().zip(&bias).for_each(|(value, bias)| *value += bias);
                    }
                    shape.forward(arch, input, 1, &packed, Start::Output, true, out, 0);
                    let out = &mut expected_input[image * shape.input_len(0)..][..shape.input_len(0)];
                    shape.input_gradient(arch, gradient, &phases, false, out);
                    shape.weight_gradient(arch, input, 1, gradient, &mut expected_sum);
                }

                let mut got = vec![9.0; count * shape.output_len(0)];
                let finish = Finish { bias: Some(&bias), add: Some(&add), relu: true };
                let weights = tiled.pack(arch, &weight);
                tiled.forward(arch, &input, &weights, tiled.image_rows(count, 0), finish, &mut got, 0);
                assert_close(&got, &expected, &what);

                let (transposed, weights) = tiled.transposed(arch, &weight);
                let mut got = vec![9.0; count * shape.input_len(0)];
                let rows = transposed.image_rows(count, 0);
                transposed.forward(arch, &gradient, &weights, rows, Finish::default(), &mut got, 0);
                assert_close(&got, &expected_input, &what);

                let mut sum = vec![0.0; tiled.sum_len()];
                tiled.weight_gradient(arch, count, &input, &gradient, &mut sum);
                let mut taps = vec![0.0; shape.sum_len()];
                tiled.finish_weight_gradient(arch, &sum, &mut taps);
                let (mut got, mut expected) = (vec![0.0; shape.weight_len()], vec![0.0; shape.weight_len()]);
                shape.unpack(&taps, &mut got);
                shape.unpack(&expected_sum, &mut expected);
                assert_close(&got, &expected, &what);
            }
        }
    }

    #[test]
    fn other_convolutions_are_left_to_taps() {
        let shape = ConvShape { kernel: 3, stride: 1, pad: 1, cin: 16, cout: 16, height: 8, width: 8 };
        assert!(Winograd::new(&shape).is_some());
        for other in [
            ConvShape { stride: 2, ..shape },
            ConvShape { pad: 0, ..shape },
            ConvShape { kernel: 1, ..shape },
            ConvShape { height: 6, ..shape },
            ConvShape { width: 9, ..shape },
            ConvShape { cin: 15, ..shape },
            ConvShape { cout: 3, ..shape },
        ] {
            assert!(Winograd::new(&other).is_none(), "{other:?}");
        }
    }
}
