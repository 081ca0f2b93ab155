//! How numbers are stored in a weight file, and read back as f32.

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// Ending of the name under which the scales of an [`Precision::I8`] tensor are stored.
const SCALE: &str = ".scale";
/// The largest whole number in use, on both sides of zero.
const WHOLE: f32 = 127.0;

/// How matrices and convolution weights are stored. Biases and normalisation are always stored as f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// As they are.
    F32,
    /// Half the size; about three decimal digits.
    F16,
    /// A quarter of the size: whole numbers from -127 to 127, and what they are multiplied with, one f32 for each output, in a
    /// tensor `NAME.scale` of their own. Rounding is off by 1/254 of an output's largest weight at most.
    I8,
}

/// A tensor as it stands in a file.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Precision {
    /// The largest value that can be stored.
    pub(super) fn limit(self) -> f32 {
        match self {
            Self::F32 => f32::MAX,
            // So that a scale's rounding cannot carry a product past what f32 holds.
            Self::I8 => f32::MAX / 2.0,
            Self::F16 => half::f16::MAX.to_f32(),
        }
    }

    /// The tensors that hold `values`, which are finite and within the limit.
    pub(super) fn store(self, name: &str, shape: &[usize], values: &[f32]) -> Vec<Stored> {
        let stored = |name: String, dtype, shape: &[usize], bytes| Stored { name, dtype, shape: shape.to_vec(), bytes };
        match self {
            Self::F32 => vec![stored(name.to_owned(), Dtype::F32, shape, f32_bytes(values))],
            Self::F16 => {
                let bytes = values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect();
                vec![stored(name.to_owned(), Dtype::F16, shape, bytes)]
            }
            Self::I8 => {
                let rows = shape.first().copied().unwrap_or(1);
                let (mut whole, mut scales) = (Vec::with_capacity(values.len()), Vec::with_capacity(rows));
                for row in values.chunks_exact((values.len() / rows.max(1)).max(1)) {
                    let largest = row.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                    // An output without weights, or with ones too small for a scale, is one of zeros.
                    let scale = Some(largest / WHOLE).filter(|scale| scale.is_normal()).unwrap_or(1.0);
                    whole.extend(row.iter().map(|value| (value / scale).round() as i8 as u8));
                    scales.push(scale);
                }
                vec![
                    stored(name.to_owned(), Dtype::I8, shape, whole),
                    stored(format!("{name}{SCALE}"), Dtype::F32, &[rows], f32_bytes(&scales)),
                ]
            }
        }
    }
}

/// Whether a tensor of a file only holds the scales of another.
pub(super) fn is_scale(file: &SafeTensors<'_>, name: &str) -> bool {
    let whole = name.strip_suffix(SCALE).and_then(|whole| file.tensor(whole).ok());
    whole.is_some_and(|whole| whole.dtype() == Dtype::I8)
}

/// The values of a tensor of a file.
///
/// # Errors
/// Why it cannot be read: a dtype of another kind, whole numbers without their scales.
pub(super) fn read(file: &SafeTensors<'_>, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, String> {
    match view.dtype() {
        Dtype::F32 => Ok(f32_values(view)),
        Dtype::F16 => {
            Ok(view.data().as_chunks().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32()).collect())
        }
        Dtype::I8 => {
            let rows = view.shape().first().copied().unwrap_or(1);
            let scales = file.tensor(&format!("{name}{SCALE}")).ok();
            let Some(scales) = scales.filter(|scales| scales.dtype() == Dtype::F32 && scales.shape() == [rows]) else {
                return Err(format!(
                    "has whole numbers, but there is no `{name}{SCALE}` of {rows} f32 to scale them by"
                ));
            };
            let row = (view.data().len() / rows.max(1)).max(1);
            let rows = view.data().chunks_exact(row).zip(f32_values(&scales));
            Ok(rows.flat_map(|(row, scale)| row.iter().map(move |&byte| f32::from(byte as i8) * scale)).collect())
        }
        other => Err(format!("has dtype {other:?}; f32, f16 and i8 are read")),
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f32_values(view: &TensorView<'_>) -> Vec<f32> {
    view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}
