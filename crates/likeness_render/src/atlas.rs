//! The grid of tiles that many pictures are drawn into at once.

use bevy::math::{Mat4, Vec3, Vec4};

/// A grid of square tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Atlas {
    /// Side of a tile in pixels.
    pub(crate) size: u32,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
}

impl Atlas {
    /// The smallest near-square grid for `count` pictures, of at most `most` tiles and `side` pixels a side (but always
    /// one tile).
    pub(crate) fn for_pictures(size: u32, count: usize, most: usize, side: u32) -> Self {
        let fit = (side / size).max(1);
        let count = (count.min(most) as u32).clamp(1, fit * fit);
        let columns = (1..=fit).find(|n| n * n >= count).unwrap_or(fit);
        let rows = count.div_ceil(columns);
        Self { size, columns, rows }
    }

    pub(crate) fn tiles(self) -> usize {
        (self.columns * self.rows) as usize
    }

    pub(crate) fn width(self) -> u32 {
        self.columns * self.size
    }

    pub(crate) fn height(self) -> u32 {
        self.rows * self.size
    }

    /// The pixel of the atlas where a tile begins; tiles run row by row from the top left.
    pub(crate) fn origin(self, tile: usize) -> (u32, u32) {
        let tile = tile as u32;
        (tile % self.columns * self.size, tile / self.columns * self.size)
    }

    /// Pixel bounds of a tile: x0, y0, x1, y1.
    pub(crate) fn bounds(self, tile: usize) -> Vec4 {
        let (x, y) = self.origin(tile);
        Vec4::new(x as f32, y as f32, (x + self.size) as f32, (y + self.size) as f32)
    }

    /// Takes clip space of one tile to clip space of the whole atlas.
    pub(crate) fn clip_from_tile(self, tile: usize) -> Mat4 {
        let (x, y) = self.origin(tile);
        let scale = Vec3::new(1.0 / self.columns as f32, 1.0 / self.rows as f32, 1.0);
        let shift = Vec3::new(
            (2 * x + self.size) as f32 / self.width() as f32 - 1.0,
            1.0 - (2 * y + self.size) as f32 / self.height() as f32,
            0.0,
        );
        Mat4::from_translation(shift) * Mat4::from_scale(scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_holds_the_pictures_within_its_limits() {
        let atlas = Atlas::for_pictures(128, 64, 64, 2048);
        assert_eq!((atlas.columns, atlas.rows), (8, 8));
        assert_eq!(Atlas::for_pictures(512, 1, 64, 2048).tiles(), 1);
        assert_eq!(Atlas::for_pictures(512, 40, 64, 2048).tiles(), 16);
        assert_eq!(Atlas::for_pictures(4096, 3, 64, 2048).tiles(), 1);
        let atlas = Atlas::for_pictures(100, 5, 64, 2048);
        assert_eq!((atlas.columns, atlas.rows), (3, 2));
    }

    #[test]
    fn tiles_run_row_by_row_and_map_to_their_place() {
        let atlas = Atlas::for_pictures(10, 6, 64, 100);
        assert_eq!(atlas.origin(4), (10, 10));
        let centre = atlas.clip_from_tile(4).project_point3(Vec3::ZERO);
        let pixel_x = (centre.x + 1.0) / 2.0 * atlas.width() as f32;
        let pixel_y = (1.0 - centre.y) / 2.0 * atlas.height() as f32;
        assert!((pixel_x - 15.0).abs() < 1e-4 && (pixel_y - 15.0).abs() < 1e-4);
    }
}
