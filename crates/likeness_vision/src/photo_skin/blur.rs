//! Means over the surroundings of each texel, of the texels that count.

use glam::Vec3;

/// Texels a side of one cell, in which texels are averaged before cells are blurred.
const CELL: u32 = 8;

/// A smooth field over the texture.
pub(super) struct Blurred {
    side: usize,
    /// Sum of values and of weights, a cell.
    cells: Vec<(Vec3, f32)>,
}

impl Blurred {
    /// The weighted mean of values around each place of a texture of `size` texels a side, by a Gaussian with a standard
    /// deviation of `radius` texels.
    pub(super) fn new(size: u32, radius: f32, values: impl Iterator<Item = ((u32, u32), Vec3, f32)>) -> Self {
        let side = size.div_ceil(CELL) as usize;
        let mut cells = vec![(Vec3::ZERO, 0.0); side * side];
        for ((column, row), value, weight) in values {
            let cell = &mut cells[(row / CELL) as usize * side + (column / CELL) as usize];
            cell.0 += value * weight;
            cell.1 += weight;
        }
        let radius = radius / CELL as f32;
        let reach = (3.0 * radius).ceil() as usize;
        let kernel: Vec<f32> = (0..=reach).map(|way| (-0.5 * (way as f32 / radius).powi(2)).exp()).collect();
        for (along, across) in [(1, side), (side, 1)] {
            let before = cells.clone();
            for line in 0..side {
                for place in 0..side {
                    let mut sum = (Vec3::ZERO, 0.0);
                    for other in place.saturating_sub(reach)..=(place + reach).min(side - 1) {
                        let factor = kernel[place.abs_diff(other)];
                        let (value, weight) = before[line * across + other * along];
                        sum.0 += value * factor;
                        sum.1 += weight * factor;
                    }
                    cells[line * across + place * along] = sum;
                }
            }
        }
        Self { side, cells }
    }

    /// The mean around a texel; zero where nothing is near.
    pub(super) fn at(&self, column: u32, row: u32) -> Vec3 {
        let most = (self.side - 1) as f32;
        let place = |texel: u32| ((texel as f32 + 0.5) / CELL as f32 - 0.5).clamp(0.0, most);
        let (x, y) = (place(column), place(row));
        let mut sum = (Vec3::ZERO, 0.0);
        for (cell_y, share_y) in neighbours(y, self.side) {
            for (cell_x, share_x) in neighbours(x, self.side) {
                let (value, weight) = self.cells[cell_y * self.side + cell_x];
                sum.0 += value * (share_x * share_y);
                sum.1 += weight * (share_x * share_y);
            }
        }
        if sum.1 > 1e-6 { sum.0 / sum.1 } else { Vec3::ZERO }
    }
}

/// The cells on both sides of a place and their shares.
fn neighbours(place: f32, side: usize) -> [(usize, f32); 2] {
    let low = place as usize;
    let part = place - low as f32;
    [(low, 1.0 - part), ((low + 1).min(side - 1), part)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_counts_is_in_the_mean() {
        let texels = (0..64).flat_map(|row| (0..64).map(move |column| (column, row)));
        let values = texels.map(|(column, row)| {
            let counts = column < 32;
            ((column, row), if counts { Vec3::X } else { Vec3::splat(9.0) }, if counts { 0.5 } else { 0.0 })
        });
        let blurred = Blurred::new(64, 16.0, values);
        for column in [0, 20, 40] {
            assert!(blurred.at(column, 30).distance(Vec3::X) < 1e-4, "{column}");
        }
        assert_eq!(Blurred::new(64, 16.0, std::iter::empty()).at(5, 5), Vec3::ZERO);
    }

    #[test]
    fn wide_changes_stay_and_narrow_ones_go() {
        let texels = (0..128).flat_map(|row| (0..128).map(move |column| (column, row)));
        let values = texels.map(|(column, row)| {
            let fine = if (column / CELL).is_multiple_of(2) { 1.0 } else { -1.0 };
            ((column, row), Vec3::new(fine, column as f32, 0.0), 1.0)
        });
        let blurred = Blurred::new(128, 24.0, values);
        let middle = blurred.at(64, 64);
        assert!(middle.x.abs() < 0.05 && (middle.y - 64.0).abs() < 2.0, "{middle}");
    }
}
