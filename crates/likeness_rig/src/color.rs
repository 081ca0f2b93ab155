//! sRGB, and how different two colours look.

/// The white of sRGB (D65), CIE XYZ.
const WHITE: [f32; 3] = [0.95047, 1.0, 1.08883];

/// The linear value of an sRGB byte, 0..1.
pub fn from_srgb(byte: u8) -> f32 {
    let value = f32::from(byte) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The sRGB byte of a linear value; what lies outside 0..1 is clamped.
pub fn to_srgb(linear: f32) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let value = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round() as u8
}

/// CIE L*a*b* of a linear RGB colour with sRGB's primaries.
pub fn lab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let xyz = [
        0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
        0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b,
    ];
    let bent = |value: f32| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
    let [x, y, z] = std::array::from_fn(|i| bent(xyz[i] / WHITE[i]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The difference between two linear RGB colours as eyes see it, CIEDE2000: 1 is just visible, 8 looks like another light.
pub fn difference(a: [f32; 3], b: [f32; 3]) -> f32 {
    lab_difference(lab(a), lab(b))
}

/// CIEDE2000 of two L*a*b* colours, after G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 Color-Difference Formula", 2005.
pub fn lab_difference([l1, a1, b1]: [f32; 3], [l2, a2, b2]: [f32; 3]) -> f32 {
    let mean_chroma = f64::from(a1.hypot(b1) + a2.hypot(b2)) / 2.0;
    // Chroma to the seventh power against 25 to the seventh.
    let seventh = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - seventh(mean_chroma));
    let polar = |a: f32, b: f32| {
        let (a, b) = (f64::from(a) * (1.0 + g), f64::from(b));
        let hue = if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) };
        (a.hypot(b), hue)
    };
    let ((c1, h1), (c2, h2)) = (polar(a1, b1), polar(a2, b2));
    let both = c1 * c2 != 0.0;
    let turn = match h2 - h1 {
        _ if !both => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let dl = f64::from(l2 - l1);
    let dc = c2 - c1;
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let l = f64::from(l1 + l2) / 2.0;
    let c = (c1 + c2) / 2.0;
    let h = match h1 + h2 {
        sum if !both => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => (sum + 360.0) / 2.0,
        sum => (sum - 360.0) / 2.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0) - 0.2 * cos(4.0 * h - 63.0);
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let sc = 1.0 + 0.045 * c;
    let sh = 1.0 + 0.015 * c * t;
    let rotation = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let rt = -2.0 * seventh(c) * (2.0 * rotation).to_radians().sin();
    let (l, c, h) = (dl / sl, dc / sc, dh / sh);
    (l * l + c * c + h * h + rt * c * h).max(0.0).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_srgb_come_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(to_srgb(from_srgb(byte)), byte);
        }
        assert!((from_srgb(128) - 0.2158).abs() < 1e-3);
        assert_eq!((to_srgb(-1.0), to_srgb(2.0), to_srgb(f32::NAN)), (0, 255, 0));
    }

    #[test]
    fn published_pairs_come_out() {
        // From the table of Sharma, Wu and Dalal.
        let pairs = [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 3.1571, -77.2803], [50.0, 0.0, -82.7485], 2.8615),
            ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
            ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
            ([50.0, 2.5, 0.0], [56.0, -27.0, -3.0], 31.903),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
            ([22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619], 2.0373),
            ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
        ];
        for (a, b, wanted) in pairs {
            let found = lab_difference(a, b);
            assert!((found - wanted).abs() < 2e-4, "{a:?} {b:?}: {found}, not {wanted}");
            assert!((lab_difference(b, a) - found).abs() < 1e-4);
        }
    }

    #[test]
    fn white_and_grey_have_no_hue() {
        assert!(lab([1.0; 3])[1..].iter().all(|value| value.abs() < 0.05));
        assert!((lab([1.0; 3])[0] - 100.0).abs() < 0.01 && difference([0.2; 3], [0.2; 3]) == 0.0);
    }
}
