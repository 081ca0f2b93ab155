//! Reading glTF accessors without trusting them: every offset is checked, and sparse ones stay sparse.

use gltf::accessor::DataType;
use gltf::{Accessor, buffer};

/// More elements than any head has; a file that claims more is refused before memory is taken.
pub(crate) const MAX_ELEMENTS: usize = 1 << 22;

type Found<T> = Result<T, String>;

/// Reads elements of `N` numbers, sparse changes applied.
pub(crate) fn dense<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Found<Vec<[f32; N]>> {
    let (base, changes) = split::<N>(accessor, blob)?;
    let mut values = base.unwrap_or_else(|| vec![[0.0; N]; accessor.count()]);
    for (index, value) in changes {
        values[index as usize] = value;
    }
    Ok(values)
}

/// Reads the elements that are not zero, with their indices in ascending order.
pub(crate) fn nonzero<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Found<Vec<(u32, [f32; N])>> {
    if accessor.view().is_some() {
        let values = dense::<N>(accessor, blob)?.into_iter().enumerate();
        return Ok(values
            .filter(|(_, value)| *value != [0.0; N])
            .map(|(index, value)| (index as u32, value))
            .collect());
    }
    let (_, mut changes) = split::<N>(accessor, blob)?;
    changes.retain(|(_, value)| *value != [0.0; N]);
    changes.sort_by_key(|(index, _)| *index);
    changes.dedup_by_key(|(index, _)| *index);
    Ok(changes)
}

/// Reads whole numbers, `N` an element.
pub(crate) fn whole<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Found<Vec<[u32; N]>> {
    check::<N>(accessor)?;
    let view = accessor.view().ok_or("has no buffer view")?;
    let ty = accessor.data_type();
    if !matches!(ty, DataType::U8 | DataType::U16 | DataType::U32) {
        return Err(format!("has numbers of type {ty:?} instead of whole ones"));
    }
    let rows = rows(&view, accessor.offset(), accessor.count(), N * ty.size(), blob)?;
    Ok(rows.map(|row| std::array::from_fn(|place| whole_at(row, place, ty))).collect())
}

/// The dense base, none when all zero, and the sparse changes.
fn split<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Found<(Option<Vec<[f32; N]>>, Vec<(u32, [f32; N])>)> {
    check::<N>(accessor)?;
    let (count, ty, normalized) = (accessor.count(), accessor.data_type(), accessor.normalized());
    if ty != DataType::F32 && !normalized {
        return Err(format!("has numbers of type {ty:?} instead of f32"));
    }
    let size = N * ty.size();
    let read = |row: &[u8]| std::array::from_fn(|place| float_at(row, place, ty));
    let base = match accessor.view() {
        Some(view) => Some(rows(&view, accessor.offset(), count, size, blob)?.map(read).collect::<Vec<[f32; N]>>()),
        None => None,
    };
    let mut changes = Vec::new();
    if let Some(sparse) = accessor.sparse() {
        if sparse.count() > count {
            return Err("has more sparse elements than elements".into());
        }
        let (indices, values) = (sparse.indices(), sparse.values());
        let index_type = match indices.index_type() {
            gltf::accessor::sparse::IndexType::U8 => DataType::U8,
            gltf::accessor::sparse::IndexType::U16 => DataType::U16,
            gltf::accessor::sparse::IndexType::U32 => DataType::U32,
        };
        let (index_view, value_view) = (indices.view(), values.view());
        let places = rows(&index_view, indices.offset(), sparse.count(), index_type.size(), blob)?;
        let values = rows(&value_view, values.offset(), sparse.count(), size, blob)?;
        for (place, value) in places.zip(values) {
            let place = whole_at(place, 0, index_type);
            if place as usize >= count {
                return Err(format!("has the sparse index {place}, but only {count} elements"));
            }
            changes.push((place, read(value)));
        }
    }
    let values = base.iter().flatten().chain(changes.iter().map(|(_, value)| value));
    if values.flatten().any(|value| !value.is_finite()) {
        return Err("has a number that is not finite".into());
    }
    Ok((base, changes))
}

fn check<const N: usize>(accessor: &Accessor<'_>) -> Found<()> {
    let width = accessor.dimensions().multiplicity();
    if width != N {
        return Err(format!("has {width} numbers an element instead of {N}"));
    }
    if accessor.count() > MAX_ELEMENTS {
        return Err(format!("has {} elements; at most {MAX_ELEMENTS} are read", accessor.count()));
    }
    Ok(())
}

/// The elements of a view, each `size` bytes.
fn rows<'a>(
    view: &buffer::View<'_>,
    offset: usize,
    count: usize,
    size: usize,
    blob: &'a [u8],
) -> Found<impl Iterator<Item = &'a [u8]> + use<'a>> {
    if !matches!(view.buffer().source(), buffer::Source::Bin) {
        return Err("lies in another file; only files with everything inside are read".into());
    }
    let stride = view.stride().unwrap_or(size).max(size);
    let cut = || "reaches past the end of the file".to_owned();
    let end = view.offset().checked_add(view.length()).ok_or_else(cut)?;
    let bytes = blob.get(view.offset()..end).and_then(|bytes| bytes.get(offset..)).ok_or_else(cut)?;
    let needed = match count {
        0 => 0,
        count => (count - 1).checked_mul(stride).and_then(|start| start.checked_add(size)).ok_or_else(cut)?,
    };
    if needed > bytes.len() {
        return Err(cut());
    }
    Ok((0..count).map(move |index| &bytes[index * stride..index * stride + size]))
}

fn whole_at(row: &[u8], place: usize, ty: DataType) -> u32 {
    match ty {
        DataType::U8 => row[place].into(),
        DataType::U16 => u16::from_le_bytes([row[2 * place], row[2 * place + 1]]).into(),
        _ => u32::from_le_bytes([row[4 * place], row[4 * place + 1], row[4 * place + 2], row[4 * place + 3]]),
    }
}

/// A number, normalised whole ones as glTF 2.0 section 3.6.2.2 defines them.
fn float_at(row: &[u8], place: usize, ty: DataType) -> f32 {
    match ty {
        DataType::F32 => f32::from_bits(whole_at(row, place, DataType::U32)),
        DataType::U8 => f32::from(row[place]) / 255.0,
        DataType::I8 => (f32::from(row[place] as i8) / 127.0).max(-1.0),
        DataType::U16 => whole_at(row, place, ty) as f32 / 65535.0,
        DataType::I16 => (f32::from(whole_at(row, place, DataType::U16) as u16 as i16) / 32767.0).max(-1.0),
        DataType::U32 => whole_at(row, place, ty) as f32 / u32::MAX as f32,
    }
}
