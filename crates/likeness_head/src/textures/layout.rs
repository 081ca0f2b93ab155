//! Where the base mesh's texture coordinates go in the textures.
//!
//! The base mesh keeps a whole body in one tile, in which the face is small and lies on its side. Here every part fills
//! a texture of its own; in the skin's the face stands upright and its middle is drawn half as large again.

use std::f32::consts::TAU;

use glam::Vec2;

/// The pieces that the skin's texture is put together from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Head and ears, upright, seen from the front: above 80 % of the texture's height.
    Head,
    /// Neck and collar.
    Neck,
    /// The inside of the mouth.
    Mouth,
    /// The eye sockets.
    Socket,
}

/// A rectangle of the base mesh's tile and the one of the texture that it goes to (v down).
struct Move {
    from: [Vec2; 2],
    to: [Vec2; 2],
}

const HEAD: Move = Move {
    from: [Vec2::new(0.148_69, 0.641_24), Vec2::new(0.817_65, 0.993_53)],
    to: [Vec2::new(0.006, 0.006), Vec2::new(0.994, 0.796)],
};
const NECK: Move = Move {
    from: [Vec2::new(0.200, 0.975), Vec2::new(0.561, 0.806)],
    to: [Vec2::new(0.006, 0.808), Vec2::new(0.406, 0.994)],
};
const MOUTH: Move = Move {
    from: [Vec2::new(0.757, 0.137), Vec2::new(0.925, 0.011)],
    to: [Vec2::new(0.430, 0.810), Vec2::new(0.664, 0.994)],
};
const SOCKET: Move = Move {
    from: [Vec2::new(0.011, 0.634), Vec2::new(0.152, 0.546)],
    to: [Vec2::new(0.680, 0.810), Vec2::new(0.976, 0.994)],
};
/// How much larger than on average the middle of the head is drawn, left to right; the back is drawn smaller.
const BULGE: f32 = 0.5;

/// Where the pole lies in an eye's island.
const POLE: Vec2 = Vec2::new(0.5, 0.5);
/// The power of the way from the pole that an eye's texture grows with.
const GROWTH: f32 = 0.55;

impl Move {
    fn apply(&self, uv: Vec2) -> Vec2 {
        let t = (uv - self.from[0]) / (self.from[1] - self.from[0]);
        self.to[0] + t * (self.to[1] - self.to[0])
    }
}

fn bulge(t: f32) -> f32 {
    t - BULGE / TAU * (TAU * t).sin()
}

fn flatten(x: f32) -> f32 {
    let mut t = x;
    for _ in 0..12 {
        t -= (bulge(t) - x) / (1.0 - BULGE * (TAU * t).cos());
    }
    t
}

/// Which piece of the skin a texture coordinate of the base mesh (v up) belongs to.
fn source_piece(uv: Vec2) -> Piece {
    if uv.x < 0.16 && uv.y > 0.54 && uv.y < 0.64 {
        Piece::Socket
    } else if uv.x > 0.75 && uv.y < 0.14 {
        Piece::Mouth
    } else if uv.x > 0.63 && uv.y < 0.82 {
        Piece::Head
    } else {
        Piece::Neck
    }
}

/// Which piece a place of the skin's texture (v down) belongs to.
pub fn piece(uv: Vec2) -> Piece {
    if uv.y < 0.802 {
        Piece::Head
    } else if uv.x < 0.418 {
        Piece::Neck
    } else if uv.x < 0.672 {
        Piece::Mouth
    } else {
        Piece::Socket
    }
}

/// Below this v of the teeth's texture lies the upper row; the rows all but touch.
pub const UPPER_TEETH: f32 = 0.504_46;

/// The texture coordinate (glTF: v down) of a vertex of the part `skin`, `eyes`, `lashes`, `teeth` or `tongue`, given its
/// texture coordinate in the base mesh (v up).
///
/// Eyes: the fronts of the left and the right eyeball fill the upper left and the upper right quarter, their backs the
/// quarters below.
pub fn place(part: &str, uv: Vec2) -> Vec2 {
    match part {
        "skin" => match source_piece(uv) {
            Piece::Head => {
                let turned = Vec2::new(uv.y, uv.x);
                let mut t = (turned - HEAD.from[0]) / (HEAD.from[1] - HEAD.from[0]);
                t.x = bulge(t.x);
                HEAD.to[0] + t * (HEAD.to[1] - HEAD.to[0])
            }
            Piece::Neck => NECK.apply(uv),
            Piece::Mouth => MOUTH.apply(uv),
            Piece::Socket => SOCKET.apply(uv),
        },
        "eyes" => {
            // The four islands, 0.0128 wide and high, touch at corners; they stand side by side.
            let (low, cell) = if uv.x < 0.772_663 {
                (Vec2::new(0.760_05, 0.944_21), Vec2::new(0.0, 0.0))
            } else if uv.x < 0.7866 {
                (Vec2::new(0.772_64, 0.931_53), Vec2::new(0.0, 0.5))
            } else if uv.x < 0.800_746 {
                (Vec2::new(0.787_95, 0.931_53), Vec2::new(0.5, 0.5))
            } else {
                (Vec2::new(0.800_72, 0.944_21), Vec2::new(0.5, 0.0))
            };
            let t = (uv - low) / 0.012_82;
            // The iris is small on the ball: the nearer to the pole, the larger.
            let offset = (Vec2::new(t.x, 1.0 - t.y) - POLE) * 2.0;
            let grown = offset * offset.length().max(1e-6).powf(GROWTH - 1.0);
            cell + Vec2::splat(0.25) + grown * 0.22
        }
        "lashes" => Vec2::new((uv.x - 0.656) / 0.104, (0.987 - uv.y) / 0.062),
        "teeth" => Vec2::new((uv.x - 0.677) / 0.0625, (0.921 - uv.y) / 0.046),
        "tongue" => Vec2::new((uv.x - 0.6225) / 0.0265, (0.9855 - uv.y) / 0.0575),
        _ => Vec2::new(uv.x, 1.0 - uv.y),
    }
}

/// The texture coordinate in the base mesh (v up) of a place in the head piece of the skin's texture (v down).
pub fn head_source(uv: Vec2) -> Vec2 {
    let mut t = (uv - HEAD.to[0]) / (HEAD.to[1] - HEAD.to[0]);
    t.x = flatten(t.x);
    let turned = HEAD.from[0] + t * (HEAD.from[1] - HEAD.from[0]);
    Vec2::new(turned.y, turned.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_comes_back() {
        for (u, v) in [(0.65, 0.16), (0.872, 0.4832), (0.99, 0.81), (0.838, 0.44), (0.7, 0.6)] {
            let uv = Vec2::new(u, v);
            let placed = place("skin", uv);
            assert_eq!(piece(placed), Piece::Head);
            assert!((head_source(placed) - uv).length() < 1e-5, "{uv} came back as {}", head_source(placed));
        }
    }

    #[test]
    fn pieces_do_not_overlap() {
        for (uv, wanted) in [
            (Vec2::new(0.2008, 0.807), Piece::Neck),
            (Vec2::new(0.5603, 0.9738), Piece::Neck),
            (Vec2::new(0.758, 0.012), Piece::Mouth),
            (Vec2::new(0.924, 0.136), Piece::Mouth),
            (Vec2::new(0.012, 0.547), Piece::Socket),
            (Vec2::new(0.151, 0.633), Piece::Socket),
        ] {
            let placed = place("skin", uv);
            assert_eq!(piece(placed), wanted);
            assert!(placed.min_element() > 0.0 && placed.max_element() < 1.0, "{placed}");
        }
    }

    #[test]
    fn the_person_s_left_is_on_the_right() {
        let (left, right) = (place("skin", Vec2::new(0.838, 0.526)), place("skin", Vec2::new(0.838, 0.440)));
        assert!(left.x > right.x);
        let (brow, chin) = (place("skin", Vec2::new(0.82, 0.483)), place("skin", Vec2::new(0.957, 0.483)));
        assert!(brow.y < chin.y);
    }
}
