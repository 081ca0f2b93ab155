//! Share codes: a face as one short printable line.
//!
//! `BL2-` and base64url of: the CRC-32 of the rig's id (4 bytes), the rig's version (4), the parameters, the options (a
//! byte each), the number of colours (1) and the colours (3 bytes each, square root of the linear value), the number of
//! details (1) and the details (a byte each), and the CRC-32 of all that (4). A parameter is a byte 0..=254, 127 =
//! neutral; 255 and a count stand for a run of neutral parameters. Numbers are little-endian. Colours and details at the
//! end of their lists that have the rig's defaults are left out, so that a rig may grow by some.
//!
//! Codes of the first version, `BL1-`, are read too: they end with the colours, without their number.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Face, Result, Rig, RigError};

/// What every share code of this version begins with.
pub const PREFIX: &str = "BL2-";

/// What the codes of the first version begin with.
const OLD_PREFIX: &str = "BL1-";

/// The greatest distance between a parameter or a detail and what its share code gives back.
pub const PARAMETER_STEP: f32 = 0.5 / STEPS;

const STEPS: f32 = 254.0;
const NEUTRAL: u8 = 127;
const RUN: u8 = 255;
/// Longer than the code of any rig: text pasted by mistake is refused before it is decoded.
const MAX_CHARS: usize = 1 << 16;

/// Whether a text claims to be a share code of some version, for telling codes from other text on a clipboard.
pub fn looks_like(text: &str) -> bool {
    [PREFIX, OLD_PREFIX].iter().any(|prefix| text.trim_start().starts_with(prefix))
}

/// The code of a face. Values outside their ranges are drawn in, missing ones are neutral.
pub fn encode(rig: &Rig, face: &Face) -> String {
    let neutral = Face::neutral(rig);
    let mut bytes = Vec::with_capacity(32 + rig.parameters.len());
    bytes.extend(crc32fast::hash(rig.id.as_bytes()).to_le_bytes());
    bytes.extend(rig.version.to_le_bytes());
    let mut run = 0_u8;
    for index in 0..rig.parameters.len() {
        let value = face.parameters.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.5);
        let byte = (value.clamp(0.0, 1.0) * STEPS).round() as u8;
        if byte == NEUTRAL && run < u8::MAX {
            run += 1;
            continue;
        }
        end_run(&mut bytes, &mut run);
        if byte == NEUTRAL {
            run = 1;
        } else {
            bytes.push(byte);
        }
    }
    end_run(&mut bytes, &mut run);
    for (index, option) in rig.options.iter().enumerate() {
        let choice = face.options.get(index).copied().filter(|choice| *choice < option.choices.len());
        bytes.push(choice.unwrap_or(neutral.options[index]) as u8);
    }
    let color_bytes = |face: &Face, index: usize| {
        let color: [f32; 3] = face.colors.get(index).copied().unwrap_or(neutral.colors[index]);
        // f32's conversion makes zero of NaN.
        color.map(|value| (value.clamp(0.0, 1.0).sqrt() * 255.0).round() as u8)
    };
    push_list(&mut bytes, rig.colors.len(), |index| (color_bytes(face, index), color_bytes(&neutral, index)));
    let detail_byte = |face: &Face, index: usize| {
        let value =
            face.details.get(index).copied().filter(|value| value.is_finite()).unwrap_or(neutral.details[index]);
        [(value.clamp(0.0, 1.0) * STEPS).round() as u8]
    };
    push_list(&mut bytes, rig.details.len(), |index| (detail_byte(face, index), detail_byte(&neutral, index)));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Writes how many entries come, and the entries: pairs of a value and its default. Those at the end that are their defaults
/// are left out.
fn push_list<const N: usize>(bytes: &mut Vec<u8>, count: usize, entry: impl Fn(usize) -> ([u8; N], [u8; N])) {
    let differs = |index: &usize| {
        let (value, default) = entry(*index);
        value != default
    };
    // A rig has at most 255 of each.
    let used = (0..count.min(u8::MAX.into())).rev().find(differs).map_or(0, |last| last + 1);
    bytes.push(used as u8);
    bytes.extend((0..used).flat_map(|index| entry(index).0));
}

/// Writes a run of neutral parameters: one or two as they are, more as a count.
fn end_run(bytes: &mut Vec<u8>, run: &mut u8) {
    match *run {
        0 => {}
        count @ 1..=2 => bytes.extend(std::iter::repeat_n(NEUTRAL, count.into())),
        count => bytes.extend([RUN, count]),
    }
    *run = 0;
}

/// The face of a code. White space around and inside the code is left out, as chat windows break lines.
///
/// # Errors
/// [`RigError::ShareCode`] when the code is damaged, cut or of another kind, [`RigError::WrongRig`] when it was made for
/// another rig or another version of this one.
pub fn decode(rig: &Rig, code: &str) -> Result<Face> {
    if code.len() > MAX_CHARS {
        return Err(damaged("it is far too long"));
    }
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (body, is_old) = match (code.strip_prefix(PREFIX), code.strip_prefix(OLD_PREFIX)) {
        (Some(body), _) => (body, false),
        (None, Some(body)) => (body, true),
        (None, None) => return Err(damaged("it does not begin with BL2- or BL1-")),
    };
    let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| damaged("it has letters that no code has"))?;
    let (content, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it is cut short"))?;
    if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
        return Err(damaged("its checksum is wrong"));
    }
    let mut reader = Reader { bytes: content };
    let id = u32::from_le_bytes(reader.array()?);
    let version = u32::from_le_bytes(reader.array()?);
    if id != crc32fast::hash(rig.id.as_bytes()) || version != rig.version {
        return Err(RigError::WrongRig {
            file: "share code".into(),
            found: format!("with the id sum {id:08x}, version {version}"),
            expected: format!("{:?}, version {}", rig.id, rig.version),
        });
    }
    let mut face = Face::neutral(rig);
    let mut index = 0;
    while index < face.parameters.len() {
        match reader.byte()? {
            RUN => index += usize::from(reader.byte()?).max(1),
            // The neutral byte is exactly the middle.
            byte => {
                face.parameters[index] = f32::from(byte) / STEPS;
                index += 1;
            }
        }
    }
    if index != face.parameters.len() {
        return Err(damaged("it has more parameters than the rig"));
    }
    for (choice, option) in face.options.iter_mut().zip(&rig.options) {
        *choice = reader.byte()?.into();
        if *choice >= option.choices.len() {
            return Err(damaged("it has a choice that the rig does not have"));
        }
    }
    // Rigs that old codes were made for had no colours but natural ones, before all others.
    let colors = if is_old { rig.natural_colors().count() } else { reader.byte()?.into() };
    let known = face.colors.get_mut(..colors).ok_or_else(|| damaged("it has more colours than the rig"))?;
    for color in known {
        *color = reader.array::<3>()?.map(|byte| (f32::from(byte) / 255.0).powi(2));
    }
    let details = if is_old { 0 } else { reader.byte()?.into() };
    let known = face.details.get_mut(..details).ok_or_else(|| damaged("it has more details than the rig"))?;
    for detail in known {
        let byte = reader.byte()?;
        if byte > STEPS as u8 {
            return Err(damaged("it has a detail that is none"));
        }
        *detail = f32::from(byte) / STEPS;
    }
    if reader.bytes.is_empty() { Ok(face) } else { Err(damaged("it is longer than the rig's faces are")) }
}

fn damaged(problem: &str) -> RigError {
    RigError::ShareCode { problem: problem.into() }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or_else(|| damaged("it is cut short"))?;
        self.bytes = tail;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
}

#[cfg(test)]
mod tests;
