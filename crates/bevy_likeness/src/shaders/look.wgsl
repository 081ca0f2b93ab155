// How skin and eyes look, for every material that shows them: textures' values and a face's numbers in, colours out.
// Laid out as `SkinLook` and `EyeLook` in `look.rs`.

#define_import_path bevy_likeness::look

// The linear colour that the skin's texture is painted for; SKIN_REFERENCE.
const REFERENCE: vec3<f32> = vec3<f32>(0.60, 0.36, 0.26);
// The roots of the lashes darken the rims of the lids as weak eyeliner does.
const LASH_LINE: f32 = 0.4;
const LUMINANCE: vec3<f32> = vec3<f32>(0.2126, 0.7152, 0.0722);

struct SkinLook {
    // rgb: the skin's colour over REFERENCE; w: how much melanin, 0 the palest to 1 the darkest skin.
    tone: vec4<f32>,
    // rgb: what the lips' texture is multiplied with; w: 1 with any age or make-up, 0 without.
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

// The colour of plain skin: `texel` of the texture, and its layer 0 (red: lips, green: blush, blue: freckles). Of the look
// only what every skin has is taken: where looks lie in storage buffers, each number that is read costs.
fn skin_color(texel: vec3<f32>, base: vec3<f32>, tone: vec4<f32>, lips: vec3<f32>, wear: vec4<f32>) -> vec3<f32> {
    let dark = tone.w;
    let relative = texel / REFERENCE;
    let brightness = dot(relative, LUMINANCE);
    let hue = relative / max(brightness, 1e-3);
    // Melanin hides the blood, and gathers where dark skin is shaded anyway: round the eyes and in folds.
    let blood = (0.3 + 1.4 * wear.x) * (1.0 - 0.45 * dark);
    let shade = brightness * mix(1.0, brightness, 0.35 * dark);
    var color = tone.rgb * REFERENCE * shade * max(vec3(1.0) + (hue - vec3(1.0)) * blood, vec3(0.0));
    // Each freckle has a rank: the more freckled, the lower the rank that shows.
    let least = 1.0 - 0.92 * wear.y;
    let freckle = smoothstep(least, least + 0.22, base.b) * saturate(wear.y * 8.0);
    color *= mix(vec3(1.0), vec3(0.62, 0.44, 0.35), freckle * (0.72 - 0.42 * dark));
    return mix(color, texel * lips, base.r);
}

// Whether a look has any age or make-up.
fn is_made_up(lips: vec4<f32>) -> bool {
    return lips.w > 0.0;
}

// Age and make-up on top of `skin_color`: `made` is layer 1 (red: eye shadow, green: eyeliner, blue: how deep in a wrinkle),
// `spots` the rank of the spots of age.
fn skin_made_up(plain: vec3<f32>, base: vec3<f32>, made: vec3<f32>, spots: f32, look: SkinLook) -> vec3<f32> {
    let age = look.wear.z;
    let dark = look.tone.w;
    let brightness = clamp(dot(plain, LUMINANCE) / max(dot(look.tone.rgb * REFERENCE, LUMINANCE), 0.02), 0.25, 1.35);
    // Old lips are paler.
    var color = mix(plain, plain * look.tone.rgb / max(look.lips.rgb, vec3(0.02)), 0.25 * age * base.r);
    color *= mix(vec3(1.0), vec3(0.44, 0.30, 0.26), made.b * age * 0.62);
    let least = 1.0 - 0.88 * age;
    let spot = smoothstep(least, least + 0.3, spots) * saturate(age * 4.0);
    color *= mix(vec3(1.0), vec3(0.66, 0.53, 0.45), spot * (0.66 - 0.4 * dark));
    // Old skin is thinner and paler.
    let grey = vec3(dot(color, LUMINANCE));
    color = mix(color, mix(grey, color, 0.86) * vec3(1.02, 1.0, 0.97), age * 0.8);

    // Blush is pigment: on dark skin it must bring light of its own.
    let pink = max(color * vec3(0.98, 0.52, 0.52), vec3(0.16, 0.028, 0.035) * brightness);
    color = mix(color, pink, base.g * look.paint.y * 0.75);
    // Lips are darker than skin: with this gain their lines stay and the lipstick keeps its colour.
    let stick = smoothstep(0.22, 0.55, base.r) * look.lipstick.w;
    color = mix(color, look.lipstick.rgb * min(brightness * 1.6, 1.35), stick * 0.9);
    color = mix(color, look.eyeshadow.rgb * brightness, made.r * look.eyeshadow.w * 0.88);
    return mix(color, vec3(0.008, 0.007, 0.007), made.g * max(look.paint.z, LASH_LINE) * 0.94);
}

// The roughness of skin that the texture gives `painted`.
fn skin_roughness(painted: f32, shine: f32) -> f32 {
    return clamp(painted * mix(1.28, 0.72, shine), 0.16, 0.95);
}

// The roughness of lips under lipstick.
fn lipstick_roughness(plain: f32, base: vec3<f32>, look: SkinLook) -> f32 {
    return mix(plain, 0.30, 0.6 * base.r * look.lipstick.w);
}

// What the slopes of the pores are multiplied with.
fn pores(wear: vec4<f32>) -> f32 {
    return mix(0.25, 1.75, wear.w) + 0.35 * wear.z;
}

// How far past the terminator light bleeds, a channel: red travels furthest in skin, and less far the darker it is.
fn skin_bleed(tone: vec4<f32>) -> vec3<f32> {
    return mix(vec3(0.30, 0.17, 0.12), vec3(0.20, 0.14, 0.11), tone.w);
}

// The diffuse light of a lamp that the surface faces by the cosine `facing`, where light wraps by `wrap` (a fit to
// pre-integrated scattering: Penner, Borshukov 2011).
fn scattered(facing: f32, wrap: vec3<f32>) -> vec3<f32> {
    let wrapped = saturate((vec3(facing) + wrap) / (1.0 + wrap));
    return wrapped * wrapped * (1.0 + wrap * 0.5);
}

// Where the irises lie in the eyes' texture, which likeness_head paints, and how bright they are painted.
const IRIS_LEFT: vec2<f32> = vec2<f32>(0.237, 0.252);
const IRIS_RIGHT: vec2<f32> = vec2<f32>(0.757, 0.252);
const IRIS_RADIUS: f32 = 0.085;
const IRIS_LUMINANCE: f32 = 0.06;
// The texture grows with the inverse power of the way from the pole (`GROWTH` in likeness_head's layout), and each eye is
// turned by an eighth in it.
const FLATTEN: f32 = 1.818;
const EIGHTH: f32 = 0.70710678;
// How far the cornea's rim is tilted, how deep the iris lies below the cornea in radii of the iris, and the cornea's index of
// refraction.
const CORNEA_TILT: f32 = 0.48;
const IRIS_DEPTH: f32 = 0.46;
const CORNEA: f32 = 1.336;

// Where a pixel lies on an eye.
struct EyePlace {
    // Seen from the front as if the eyeball were flat, in radii of the painted iris: x toward the person's left, y up.
    flat_place: vec2<f32>,
    // The eye's own directions.
    left: vec3<f32>,
    up: vec3<f32>,
    axis: vec3<f32>,
}

fn is_right_eye(uv: vec2<f32>) -> bool {
    return uv.x > 0.5;
}

fn to_flat(uv: vec2<f32>) -> vec2<f32> {
    let right = is_right_eye(uv);
    let way = (uv - select(IRIS_LEFT, IRIS_RIGHT, right)) / IRIS_RADIUS;
    let turn = select(-EIGHTH, EIGHTH, right);
    // v runs down the picture.
    let upright = vec2(EIGHTH * way.x + turn * way.y, turn * way.x - EIGHTH * way.y);
    return upright * pow(max(length(way), 1e-4), FLATTEN - 1.0);
}

// The texture coordinate of a place of the eye that `uv` is on.
fn from_flat(uv: vec2<f32>, flat_place: vec2<f32>) -> vec2<f32> {
    let right = is_right_eye(uv);
    let turn = select(-EIGHTH, EIGHTH, right);
    let way = vec2(EIGHTH * flat_place.x + turn * flat_place.y, turn * flat_place.x - EIGHTH * flat_place.y);
    let grown = way * pow(max(length(way), 1e-4), 1.0 / FLATTEN - 1.0);
    return select(IRIS_LEFT, IRIS_RIGHT, right) + grown * IRIS_RADIUS;
}

// `left` and `up` are the head's directions.
fn eye_place(uv: vec2<f32>, normal: vec3<f32>, left: vec3<f32>, up: vec3<f32>) -> EyePlace {
    var eye: EyePlace;
    eye.flat_place = to_flat(uv);
    // The eye turns in the head: where it looks shows in the normals.
    eye.axis = normalize(normal - (left * eye.flat_place.x + up * eye.flat_place.y) * CORNEA_TILT);
    eye.left = normalize(left - eye.axis * dot(left, eye.axis));
    eye.up = cross(eye.axis, eye.left);
    return eye;
}

// The place of the iris that is seen through the cornea.
fn refracted(eye: EyePlace, normal: vec3<f32>, to_camera: vec3<f32>) -> vec2<f32> {
    let square = dot(eye.flat_place, eye.flat_place);
    let depth = IRIS_DEPTH * saturate(1.0 - 0.8 * square);
    let ray = refract(-to_camera, normal, 1.0 / CORNEA);
    return eye.flat_place + vec2(dot(ray, eye.left), dot(ray, eye.up)) * depth / max(-dot(ray, eye.axis), 0.35);
}

// The direction that the iris faces: a bowl below the cornea, so that the side away from a lamp catches its light.
fn iris_normal(eye: EyePlace, normal: vec3<f32>, look: EyeLook) -> vec3<f32> {
    let place = eye.flat_place / look.iris.w;
    let inside = smoothstep(1.05, 0.85, length(place));
    return normalize(normal - (eye.left * place.x + eye.up * place.y) * (0.9 * inside));
}

// A place in the texture's scale, for an iris of another size: what lies outside is pushed away.
fn sized(place: vec2<f32>, look: EyeLook) -> vec2<f32> {
    return place * mix(1.0 / look.iris.w, 1.0, smoothstep(0.9, 2.2, length(place)));
}

// The eye's colour where the texture holds `texel`; `place` is in radii of the iris of the look.
fn eye_color(texel: vec3<f32>, place: vec2<f32>, look: EyeLook) -> vec3<f32> {
    let radius = length(place);
    // In small pictures the white runs into the iris: the limit keeps it dark.
    let pattern = min(dot(texel, LUMINANCE) / IRIS_LUMINANCE, 1.4);
    // Round the pupil irises are a little warmer, and dark at their rim.
    let collar = smoothstep(0.66, 0.36, radius);
    let limbus = mix(1.0, 0.45, smoothstep(0.72, 0.98, radius));
    let tint = 0.85 * look.iris.rgb * mix(vec3(1.0), vec3(1.30, 1.05, 0.75), 0.5 * collar) * limbus;
    let inside = smoothstep(1.08, 0.90, radius);

    let tone = look.white.x;
    let grey = vec3(dot(texel, LUMINANCE));
    let old = saturate((tone - 0.3) / 0.7);
    let young = saturate(1.0 - tone / 0.3);
    let veined = max(grey + (texel - grey) * (1.0 - 0.45 * young + 0.9 * old), vec3(0.0));
    let white = veined * mix(vec3(1.0), vec3(1.06, 1.07, 1.09), young) * mix(vec3(1.0), vec3(1.0, 0.90, 0.70), old);
    return mix(white, tint * pattern, inside);
}
