// How skin and eyes look, for every material that shows them: textures' values and a face's numbers in, colours out.
// Laid out as `SkinLook` and `EyeLook` in `look.rs`.

#define_import_path bevy_likeness::look

// The linear colour that the skin's texture is painted for; SKIN_REFERENCE.
const REFERENCE: vec3<f32> = vec3<f32>(0.60, 0.36, 0.26);
const LUMINANCE: vec3<f32> = vec3<f32>(0.2126, 0.7152, 0.0722);

struct SkinLook {
    // rgb: the skin's colour over REFERENCE; w: how much melanin, 0 the palest to 1 the darkest skin.
    tone: vec4<f32>,
    // rgb: what the lips' texture is multiplied with.
    lips: vec4<f32>,
    // rgb: its colour; w: how much.
    lipstick: vec4<f32>,
    // rgb: its colour; w: how much.
    eyeshadow: vec4<f32>,
    // x: redness, y: freckles, z: age, w: pores.
    wear: vec4<f32>,
    // x: shine, y: blush, z: eyeliner, w: the extra layer.
    paint: vec4<f32>,
}

struct EyeLook {
    // rgb: the middle of the iris; w: its size over the painted one.
    iris: vec4<f32>,
    // x: the white's tone, 0 clear to 1 yellowed and veined.
    white: vec4<f32>,
}

// Whether the make-up and age layers change anything.
fn is_made_up(look: SkinLook) -> bool {
    return look.wear.z + look.eyeshadow.w + look.paint.z > 0.0;
}

// The colour of plain skin: `texel` of the texture, and its layer 0 (red: lips, green: blush, blue: freckles).
fn skin_color(texel: vec3<f32>, base: vec3<f32>, look: SkinLook) -> vec3<f32> {
    let dark = look.tone.w;
    let relative = texel / REFERENCE;
    let brightness = dot(relative, LUMINANCE);
    let hue = relative / max(brightness, 1e-3);
    // Melanin hides the blood, and gathers where dark skin is shaded anyway: round the eyes and in folds.
    let blood = (0.3 + 1.4 * look.wear.x) * (1.0 - 0.45 * dark);
    let shade = brightness * mix(1.0, brightness, 0.35 * dark);
    var color = look.tone.rgb * REFERENCE * shade * max(vec3(1.0) + (hue - vec3(1.0)) * blood, vec3(0.0));

    // Each freckle has a rank: the more freckled, the lower the rank that shows.
    let least = 1.0 - 0.92 * look.wear.y;
    let freckle = smoothstep(least, least + 0.22, base.b) * saturate(look.wear.y * 8.0);
    color *= mix(vec3(1.0), vec3(0.60, 0.42, 0.34), freckle * (0.85 - 0.5 * dark));

    let lips = texel * mix(look.lips.rgb, look.tone.rgb, 0.25 * look.wear.z);
    color = mix(color, lips, base.r);

    // Blush is pigment: on dark skin it must bring light of its own.
    let flush = base.g * look.paint.y;
    let pink = max(color * vec3(0.98, 0.52, 0.52), vec3(0.16, 0.028, 0.035) * brightness);
    color = mix(color, pink, flush * 0.75);

    let stick = smoothstep(0.22, 0.55, base.r) * look.lipstick.w;
    // The texture's lips are about half as bright as the skin: their lines stay.
    let lines = clamp(brightness * 1.75, 0.25, 1.35);
    return mix(color, look.lipstick.rgb * lines, stick * 0.9);
}

// Age and eye make-up on top: `made` is layer 1 (red: eye shadow, green: eyeliner, blue: spots of age), `crease` how deep in
// a wrinkle.
fn skin_made_up(color_in: vec3<f32>, made: vec3<f32>, crease: f32, look: SkinLook) -> vec3<f32> {
    let age = look.wear.z;
    let dark = look.tone.w;
    var color = color_in;
    color *= mix(vec3(1.0), vec3(0.50, 0.36, 0.32), crease * age * 0.75);
    let least = 1.05 - 0.85 * age;
    let spot = smoothstep(least, least + 0.2, made.b) * saturate(age * 4.0);
    color *= mix(vec3(1.0), vec3(0.66, 0.52, 0.44), spot * (0.75 - 0.45 * dark));
    // Old skin is thinner and paler.
    let grey = vec3(dot(color, LUMINANCE));
    color = mix(color, mix(grey, color, 0.86) * vec3(1.02, 1.0, 0.97), age * 0.8);
    let brightness = clamp(dot(color_in / REFERENCE, LUMINANCE) / max(dot(look.tone.rgb, LUMINANCE), 0.05), 0.3, 1.3);
    color = mix(color, look.eyeshadow.rgb * brightness, made.r * look.eyeshadow.w * 0.8);
    return mix(color, vec3(0.008, 0.007, 0.007), made.g * look.paint.z * 0.94);
}

// The roughness of skin that the texture gives `painted`, where layer 0 is `base`.
fn skin_roughness(painted: f32, base: vec3<f32>, look: SkinLook) -> f32 {
    let stick = base.r * look.lipstick.w;
    let gloss = mix(1.28, 0.72, look.paint.x);
    return clamp(mix(painted * gloss, 0.30, 0.6 * stick), 0.16, 0.95);
}

// What the slopes of the pores are multiplied with.
fn pores(look: SkinLook) -> f32 {
    return mix(0.25, 1.75, look.wear.w) + 0.35 * look.wear.z;
}

// How far past the terminator light bleeds, a channel: red travels furthest in skin, and less far the darker it is.
fn skin_bleed(look: SkinLook) -> vec3<f32> {
    return mix(vec3(0.30, 0.17, 0.12), vec3(0.20, 0.14, 0.11), look.tone.w);
}

// The diffuse light of a lamp that the surface faces by the cosine `facing`, where light wraps by `wrap` (a fit to
// pre-integrated scattering: Penner, Borshukov 2011).
fn scattered(facing: f32, wrap: vec3<f32>) -> vec3<f32> {
    let wrapped = saturate((vec3(facing) + wrap) / (1.0 + wrap));
    return wrapped * wrapped * (1.0 + wrap * 0.5);
}

// Where the irises lie in the eyes' texture, and how bright they are painted.
const IRIS_LEFT: vec2<f32> = vec2<f32>(0.237, 0.252);
const IRIS_RIGHT: vec2<f32> = vec2<f32>(0.757, 0.252);
const IRIS_RADIUS: f32 = 0.085;
const IRIS_LUMINANCE: f32 = 0.06;
// The texture grows with this power of the way from the pole; the inverse of GROWTH in likeness_head's layout.
const FLATTEN: f32 = 1.818;
// How deep the iris lies below the cornea, in radii of the iris, and the cornea's index of refraction.
const IRIS_DEPTH: f32 = 0.42;
const CORNEA: f32 = 1.336;

fn iris_pole(uv: vec2<f32>) -> vec2<f32> {
    return select(IRIS_LEFT, IRIS_RIGHT, uv.x > 0.5);
}

// The way from the pole of the cornea, in radii of the iris, as if the eyeball were flat.
fn flat_eye(uv: vec2<f32>) -> vec2<f32> {
    let way = (uv - iris_pole(uv)) / IRIS_RADIUS;
    return way * pow(max(length(way), 1e-4), FLATTEN - 1.0);
}

fn from_flat_eye(uv: vec2<f32>, place: vec2<f32>) -> vec2<f32> {
    return iris_pole(uv) + place * IRIS_RADIUS * pow(max(length(place), 1e-4), 1.0 / FLATTEN - 1.0);
}

struct EyeFrame {
    // The place of the flat eye.
    place: vec2<f32>,
    // The directions that belong to its axes.
    across: vec3<f32>,
    down: vec3<f32>,
}

// Where a pixel lies on the eye. Takes derivatives: call it in uniform control flow.
fn eye_frame(uv: vec2<f32>, position: vec3<f32>, normal: vec3<f32>) -> EyeFrame {
    var frame: EyeFrame;
    frame.place = flat_eye(uv);
    // As for normal maps without tangents (Schueler 2007, Mikkelsen 2010).
    let across_a = cross(normal, dpdx(position));
    let across_b = cross(dpdy(position), normal);
    let place_a = dpdx(frame.place);
    let place_b = dpdy(frame.place);
    let across = across_b * place_a.x + across_a * place_b.x;
    let down = across_b * place_a.y + across_a * place_b.y;
    frame.across = across * inverseSqrt(max(dot(across, across), 1e-30));
    frame.down = down * inverseSqrt(max(dot(down, down), 1e-30));
    return frame;
}

// The direction that the iris faces: a bowl below the cornea, so that the side away from a lamp catches its light.
fn iris_normal(frame: EyeFrame, normal: vec3<f32>, look: EyeLook) -> vec3<f32> {
    let place = frame.place / look.iris.w;
    let inside = smoothstep(1.05, 0.85, length(place));
    return normalize(normal - (frame.across * place.x + frame.down * place.y) * (0.85 * inside));
}

// The place of the iris that is seen through the cornea at `place`; `across` and `down` are the eye's directions that
// belong to the two axes of `place`, unit length.
fn refracted(place: vec2<f32>, across: vec3<f32>, down: vec3<f32>, normal: vec3<f32>, to_camera: vec3<f32>) -> vec2<f32> {
    let inside = smoothstep(1.25, 0.7, length(place));
    let ray = refract(-to_camera, normal, 1.0 / CORNEA);
    let depth = max(-dot(ray, normal), 0.35);
    let bowl = IRIS_DEPTH * inside * saturate(1.0 - 0.75 * dot(place, place));
    return place + vec2(dot(ray, across), dot(ray, down)) * (bowl / depth);
}

// A place of the flat eye in the texture's scale, for an iris of another size: what lies outside is pushed away.
fn sized(place: vec2<f32>, look: EyeLook) -> vec2<f32> {
    let scale = mix(1.0 / look.iris.w, 1.0, smoothstep(0.9, 2.2, length(place)));
    return place * scale;
}

// The eye's colour: `texel` of the texture at `place` of the flat eye.
fn eye_color(texel: vec3<f32>, place: vec2<f32>, look: EyeLook) -> vec3<f32> {
    let radius = length(place);
    // In small pictures the white runs into the iris: the limit keeps it dark.
    let pattern = min(dot(texel, LUMINANCE) / IRIS_LUMINANCE, 1.5);
    // Round the pupil irises are a little warmer.
    let collar = smoothstep(0.62, 0.34, radius) * smoothstep(0.25, 0.34, radius);
    let tint = look.iris.rgb * mix(vec3(1.0), vec3(1.35, 1.08, 0.72), 0.5 * collar);
    let inside = smoothstep(1.06, 0.88, radius);

    let tone = look.white.x;
    let grey = vec3(dot(texel, LUMINANCE));
    let clear = mix(vec3(1.0), vec3(1.06, 1.07, 1.09), saturate(1.0 - tone / 0.3));
    let old = saturate((tone - 0.3) / 0.7);
    let veined = grey + (texel - grey) * mix(mix(0.55, 1.0, saturate(tone / 0.3)), 1.9, old);
    let white = max(veined, vec3(0.0)) * clear * mix(vec3(1.0), vec3(1.0, 0.90, 0.70), old);
    return mix(white, tint * pattern, inside);
}
