//! The classes of face parsing over the skin's texture.

use glam::{Vec2, Vec3};

use super::{bake::Texel, face::Face, layout::Piece, skin::Place};

/// The class of a texel, as in the eleven-class scheme of face parsing (Helen): 0 background, 1 face, 2 hair, 3 left
/// brow, 4 right brow, 5 left eye, 6 right eye, 7 nose, 8 upper lip, 9 inner mouth, 10 lower lip. Left and right are the
/// person's. Ears and scalp count as face, the neck as background, as in that scheme, and the rims of the sockets as eyes.
/// Hair is drawn by meshes of its own.
pub fn class(face: &Face, texel: &Texel, place: &Place) -> u8 {
    let p = texel.point;
    let left = p.x > 0.0;
    match place.piece {
        Piece::Mouth => return 9,
        Piece::Socket => return if left { 5 } else { 6 },
        Piece::Neck => return 0,
        Piece::Head => {}
    }
    if place.lip > 0.5 {
        return if place.upper_lip { 8 } else { 10 };
    }
    if place.brow > 0.15 {
        return if left { 3 } else { 4 };
    }
    if place.ear > 0.5 {
        return 1;
    }
    if is_nose(face, p) {
        return 7;
    }
    u8::from(!is_neck(face, texel))
}

fn is_nose(face: &Face, p: Vec3) -> bool {
    let l = &face.landmarks;
    // Half widths down the nose; from the bridge to just under the wings.
    let base = (l[33].y + l[31].y) / 2.0 - 1.5;
    let wing = l[35].x.max(-l[31].x) + 3.6;
    let rows = [
        (l[27].y + 1.0, 6.5),
        (l[28].y, 8.0),
        (l[29].y, 10.5),
        (l[30].y + 5.0, wing * 0.92),
        (l[31].y + 3.0, wing + 0.6),
        (base, wing * 0.72),
    ];
    if p.y > rows[0].0 || p.y < base || p.z < l[31].z - 12.0 {
        return false;
    }
    rows.windows(2).any(|pair| {
        let ((y0, w0), (y1, w1)) = (pair[0], pair[1]);
        p.y <= y0 && p.y >= y1 && p.x.abs() < w0 + (w1 - w0) * (y0 - p.y) / (y0 - y1).max(1e-3)
    })
}

/// Below the jaw's edge, and behind it.
fn is_neck(face: &Face, texel: &Texel) -> bool {
    let l = &face.landmarks;
    let p = texel.point;
    // The line from the chin's underside to behind the lobe of the ear, seen from the side.
    let chin = Vec2::new(l[8].z, l[8].y);
    let angle = Vec2::new(l[4].z - 38.0, l[4].y + 4.0);
    let t = ((p.z - chin.x) / (angle.x - chin.x)).clamp(0.0, 1.0);
    let edge = chin.y + (angle.y - chin.y) * t;
    if p.z < angle.x {
        // Behind the jaw only the skin over the ear's root is face.
        return p.y < edge + (angle.x - p.z) * 1.6;
    }
    p.y < edge && texel.normal.y < 0.2
}
