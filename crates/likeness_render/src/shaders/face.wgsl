// Draws many heads into one atlas with a single camera. Each head's slot holds its own camera, with the place of its
// tile in the atlas folded into the projection; a fragment outside its tile is discarded. Light is computed here, so
// that every head has its own lamps.

#import bevy_pbr::{
    mesh_bindings::mesh,
    mesh_functions,
    skinning,
    morph,
}
#import bevy_likeness::look

struct Lamp {
    // xyz: unit vector toward the lamp, world space. w: angular softness 0..1.
    direction: vec4<f32>,
    // xyz: the same direction in the head's own space.
    local_direction: vec4<f32>,
    // Linear RGB times intensity.
    color: vec4<f32>,
}

struct Slot {
    clip_from_world: mat4x4<f32>,
    view_from_world: mat4x4<f32>,
    // Pixel bounds of the tile in the atlas: x0, y0, x1, y1.
    tile: vec4<f32>,
    camera: vec4<f32>,
    lamps: array<Lamp, 4>,
    sky: vec4<f32>,
    ground: vec4<f32>,
    // The head's turn undone: takes directions into the head's own space.
    head_from_world: mat4x4<f32>,
    skin: look::SkinLook,
    eyes: look::EyeLook,
    hair: vec4<f32>,
    // rgb: what the bust wears; w: 0 nothing.
    cloth: vec4<f32>,
    // rgb: its collar.
    collar: vec4<f32>,
    // Heights of the bind pose: x: where the collar ends beside the neck, y: in the middle of the front; z: how steeply it rises between,
    // w: how wide the collar is.
    neckline: vec4<f32>,
    // x: number of active morph targets, y: the layer of the skin as a photo shows it, from 1; 0 has none.
    counts: vec4<u32>,
    // Active morph targets, two a vector: (index, weight), (index, weight).
    morphs: array<vec4<f32>, 26>,
}

struct Part {
    // 0 skin, 1 eyes, 2 lashes, 3 teeth, 4 tongue, 5 strands of hair, 6 stubs, 7 curls, 8 frame and 9 lens of glasses
    kind: u32,
    has_albedo: u32,
    has_regions: u32,
    has_layers: u32,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> part: Part;
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var albedo_texture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(2) var albedo_sampler: sampler;
@group(#{MATERIAL_BIND_GROUP}) @binding(3) var regions_texture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(4) var<storage, read> slots: array<Slot>;
@group(#{MATERIAL_BIND_GROUP}) @binding(5) var normal_texture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(6) var roughness_texture: texture_2d<f32>;

// What is laid over the skin, three masks a texture: see likeness_head's layers.
@group(#{MATERIAL_BIND_GROUP}) @binding(8) var base_texture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(9) var made_texture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(10) var wrinkles_texture: texture_2d<f32>;
// Skins as photos show them: colours like those of the albedo texture, and coverage.
@group(#{MATERIAL_BIND_GROUP}) @binding(11) var photo_skins: texture_2d_array<f32>;
// What every vertex sees, to first order: x + dot(yzw, direction in the head's space).
@group(#{MATERIAL_BIND_GROUP}) @binding(7) var<storage, read> sight: array<vec4<f32>>;

struct Vertex {
    @builtin(instance_index) instance_index: u32,
    @builtin(vertex_index) index: u32,
    @location(0) position: vec3<f32>,
    @location(1) normal: vec3<f32>,
    @location(2) uv: vec2<f32>,
#ifdef OPTION
    // Along the hairs.
    @location(4) tangent: vec4<f32>,
    // Shade and coverage.
    @location(5) color: vec4<f32>,
#endif
#ifdef SKINNED
    @location(6) joint_indices: vec4<u32>,
    @location(7) joint_weights: vec4<f32>,
#endif
}

struct Varyings {
    @builtin(position) position: vec4<f32>,
    @location(0) world_position: vec3<f32>,
    @location(1) world_normal: vec3<f32>,
    @location(2) uv: vec2<f32>,
    @location(3) @interpolate(flat) slot: u32,
    @location(4) bind: vec3<f32>,
    @location(5) sight: vec4<f32>,
    // The part of the surroundings that is open: a mouth's corner or a socket sees little of it.
    @location(6) open: f32,
#ifdef OPTION
    @location(7) tangent: vec3<f32>,
    @location(8) color: vec4<f32>,
#endif
}

@vertex
fn vertex(in: Vertex) -> Varyings {
    let slot = mesh_functions::get_tag(in.instance_index);
    var position = in.position;
    var normal = in.normal;

    let vertex_index = in.index - mesh[in.instance_index].first_vertex_index;
#ifdef MORPH_TARGETS
    // Only the targets with a weight, instead of all 52.
    let count = slots[slot].counts.x;
    for (var i = 0u; i < count; i++) {
        let pair = slots[slot].morphs[i / 2u];
        let entry = select(pair.xy, pair.zw, (i & 1u) == 1u);
        let delta = morph::get_morph_target(vertex_index, u32(entry.x), in.instance_index);
        position += entry.y * delta.position;
        normal += entry.y * delta.normal;
    }
#endif

#ifdef SKINNED
    let world_from_local = skinning::skin_model(in.joint_indices, in.joint_weights, in.instance_index);
    let world_normal = skinning::skin_normals(world_from_local, normal);
#else
    let world_from_local = mesh_functions::get_world_from_local(in.instance_index);
    let world_normal = mesh_functions::mesh_normal_local_to_world(normal, in.instance_index);
#endif
    let world = world_from_local * vec4(position, 1.0);

    var out: Varyings;
    out.position = slots[slot].clip_from_world * world;
    out.world_position = world.xyz;
    out.world_normal = world_normal;
    out.uv = in.uv;
    out.slot = slot;
    out.bind = in.position;
#ifdef OPTION
    out.tangent = (world_from_local * vec4(in.tangent.xyz, 0.0)).xyz;
    out.color = in.color;
    out.sight = vec4(1.0, 0.0, 0.0, 0.0);
    out.open = 1.0;
#else
    out.sight = sight[vertex_index];
    if part.kind == 1u {
        // Eyes turn below the lids: what they see depends on where they face, not on the vertex.
        let facing = (slots[slot].head_from_world * vec4(world_normal, 0.0)).xyz;
        out.sight = vec4(1.08 - 0.7 * (1.0 - facing.z) - 0.55 * max(facing.y, 0.0), 0.0, 0.0, 0.0);
    }
    // The mean over a cosine-weighted hemisphere. Never quite nothing: flesh around lets some light through.
    out.open = clamp(out.sight.x + 0.6667 * dot(out.sight.yzw, in.normal), 0.12, 1.0);
#endif
    return out;
}

fn outside(tile: vec4<f32>, pixel: vec2<f32>) -> bool {
    return any(pixel < tile.xy) || any(pixel >= tile.zw);
}

// The GGX lobe with Smith's joint visibility (Walter et al. 2007; Heitz 2014's approximation by Hammon).
fn specular(n_l: f32, n_v: f32, n_h: f32, v_h: f32, roughness: f32, f0: f32) -> f32 {
    let alpha = roughness * roughness;
    let a2 = alpha * alpha;
    let d = n_h * n_h * (a2 - 1.0) + 1.0;
    let distribution = a2 / (3.14159265 * d * d);
    let visibility = 0.5 / mix(2.0 * n_l * n_v, n_l + n_v, alpha);
    let fresnel = f0 + (1.0 - f0) * pow(1.0 - v_h, 5.0);
    return distribution * visibility * fresnel;
}

// Straight in the shadows and middle tones, a soft shoulder above.
fn shoulder(color: vec3<f32>) -> vec3<f32> {
    let knee = vec3(0.62);
    let over = max(color - knee, vec3(0.0));
    let bent = knee + (1.0 - knee) * over / (over + (1.0 - knee));
    return select(bent, color, color <= knee);
}

// Bright colours keep most of their hue: bent channel by channel alone, bright skin loses its red.
fn tonemap(color: vec3<f32>) -> vec3<f32> {
    let peak = max(max(color.r, color.g), max(color.b, 1e-4));
    let kept = color * (shoulder(vec3(peak)).r / peak);
    return mix(shoulder(color), kept, 0.75);
}

// The least light that reaches a place: what a closed mouth hides is lit through the lips, and seen once it opens.
const LEAST_SEEN: f32 = 0.14;
// Teeth shine from within.
const TEETH: f32 = 1.35;

// Coverage below which a hair has no class.
const LABEL_CUT: f32 = 0.4;

#ifdef OPTION
// A number 0..1 that differs between neighbouring pixels as evenly as can be (interleaved gradient noise, Jimenez 2014), and
// from hair to hair.
fn grain(pixel: vec2<f32>, salt: f32) -> f32 {
    return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))) + salt);
}

// The same without any pattern, for the wide areas of stubs and curls (a hash of the pixel's place, PCG).
fn speck(pixel: vec2<f32>, salt: f32) -> f32 {
    var state = u32(pixel.x) * 1973u + u32(pixel.y) * 9277u + u32(salt * 26699.0);
    state = state * 747796405u + 2891336453u;
    state = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return f32((state >> 22u) ^ (state & 1023u)) / 1024.0;
}

// Hair scatters light as thin cylinders do: a ridge of light across the strands, once as the lamp's colour near the
// roots' side and once, wider, as the hair's own (Marschner et al. 2003, in the manner of Scheuermann 2004).
fn ridge(tangent: vec3<f32>, half_vector: vec3<f32>, power: f32) -> f32 {
    let along = dot(tangent, half_vector);
    return pow(max(1.0 - along * along, 0.0), 0.5 * power) * smoothstep(-1.0, 0.0, along);
}

fn hair_light(in: Varyings, slot: Slot, texel: vec4<f32>) -> vec3<f32> {
    let normal = normalize(in.world_normal);
    let to_camera = normalize(slot.camera.xyz - in.world_position);
    let shade = in.color.r * texel.r * 1.9;
    // Light hair lets light through and shows its own colour in the depth; dark hair does not.
    let base = slot.hair.rgb * (0.25 + 0.75 * in.color.r) * (0.35 + 1.15 * texel.r);
    let tangent = normalize(in.tangent);
    let shifted = normalize(tangent + normal * (0.10 + 0.8 * (texel.r - 0.5)));
    let shifted_back = normalize(tangent - normal * (0.12 - 0.35 * (texel.r - 0.5)));
    let mean = dot(slot.hair.rgb, vec3(0.2126, 0.7152, 0.0722));
    let deep = in.color.r;
    var diffuse = mix(slot.ground.rgb, slot.sky.rgb, normal.y * 0.5 + 0.5) * (0.35 + 0.75 * deep);
    var gloss = vec3(0.0);
    for (var i = 0u; i < 4u; i++) {
        let lamp = slot.lamps[i];
        let direction = lamp.direction.xyz;
        let facing = dot(normal, direction);
        let wrap = 0.35 + 0.5 * lamp.direction.w;
        let lit = saturate((facing + wrap) / (1.0 + wrap));
        let across = sqrt(max(1.0 - pow(dot(tangent, direction), 2.0), 0.0));
        diffuse += lamp.color.rgb * lit * lit * mix(1.0, across, 0.5) * (0.25 + 0.75 * deep);
        let half_vector = normalize(direction + to_camera);
        let seen = saturate(facing * 1.6 + 0.25);
        let soft = 1.0 - 0.6 * lamp.direction.w;
        gloss += lamp.color.rgb * seen * ridge(shifted, half_vector, 140.0 * soft) * 0.10;
        gloss += lamp.color.rgb * seen * ridge(shifted_back, half_vector, 22.0 * soft)
            * (slot.hair.rgb * 0.55 + 0.006);
    }
    return tonemap(base * diffuse * 1.25 + gloss * shade);
}
#endif

#ifdef COVERAGE
struct Covered {
    @location(0) color: vec4<f32>,
    @builtin(sample_mask) samples: u32,
}

// The hair's coverage decides how many of a pixel's four samples it takes, and chance which: no order of drawing matters.
@fragment
fn fragment(in: Varyings) -> Covered {
    var out: Covered;
    let color = shaded(in);
    let tile = slots[in.slot].tile;
    let salt = in.color.r * 7.31;
    let pixel = in.position.xy - tile.xy;
    let chance = select(grain(pixel, salt), speck(pixel, salt), part.kind > 5u);
    if part.kind == 9u {
        out.color = color;
        out.samples = 15u;
        return out;
    }
    let count = u32(clamp(floor(color.a * 4.0 + chance), 0.0, 4.0));
    let turn = u32(fract(chance * 5.7) * 4.0);
    let run = (1u << count) - 1u;
    out.samples = ((run << turn) | (run >> (4u - turn))) & 15u;
    out.color = vec4(color.rgb, 1.0);
    return out;
}

fn shaded(in: Varyings) -> vec4<f32> {
#else
@fragment
fn fragment(in: Varyings) -> @location(0) vec4<f32> {
#endif
    if outside(slots[in.slot].tile, in.position.xy) {
        discard;
    }
    var normal = normalize(in.world_normal);
#ifdef OPTION
    var texel = vec4(0.6, 0.6, 0.6, 1.0);
    if part.has_albedo == 1u {
        texel = textureSample(albedo_texture, albedo_sampler, in.uv);
    }
    // Nearly whole is whole: what shines through gaps of dense hair would only be noise.
    let cover = saturate(texel.a * 1.3 - 0.04) * in.color.a;
#endif

#ifdef LABELS
    let view_position = slots[in.slot].view_from_world * vec4(in.world_position, 1.0);
    let view_normal = normalize((slots[in.slot].view_from_world * vec4(normal, 0.0)).xyz);
    // Eight bits an axis, exact in a 32-bit float.
    let bytes = round((view_normal * 0.5 + 0.5) * 255.0);
    let packed = bytes.x + bytes.y * 256.0 + bytes.z * 65536.0;
    var class_index = 1.0;
#ifdef OPTION
    if select(cover, in.color.a, part.kind > 5u) < LABEL_CUT {
        discard;
    }
    return vec4(-view_position.z, 2.0, packed, 1.0);
#endif
    if part.kind == 0u && part.has_regions == 1u {
        let size = vec2<f32>(textureDimensions(regions_texture));
        let texel = vec2<i32>(clamp(in.uv * size, vec2(0.0), size - 1.0));
        class_index = round(textureLoad(regions_texture, texel, 0).r * 255.0);
    } else if part.kind == 1u {
        class_index = select(6.0, 5.0, in.bind.x > 0.0);
    } else if part.kind > 1u {
        class_index = 9.0;
    }
    return vec4(-view_position.z, class_index, packed, 1.0);
#else
#ifdef OPTION
    if part.kind <= 7u {
#ifndef COVERAGE
        if cover < 0.5 {
            discard;
        }
#endif
        return vec4(hair_light(in, slots[in.slot], texel), cover);
    }
#endif
    var albedo = vec4(1.0);
    if part.has_albedo == 1u {
        albedo = textureSample(albedo_texture, albedo_sampler, in.uv);
    } else if part.kind == 0u {
        albedo = vec4(look::REFERENCE, 1.0);
    } else if part.kind == 1u {
        albedo = vec4(0.6, 0.57, 0.54, 1.0);
    } else if part.kind == 2u {
        albedo = vec4(0.02, 0.014, 0.01, 0.5);
    } else if part.kind == 3u {
        albedo = vec4(0.62, 0.56, 0.45, 1.0);
    } else if part.kind == 4u {
        albedo = vec4(0.42, 0.13, 0.12, 1.0);
    }
#ifdef OPTION
    albedo = vec4(vec3(0.012) + in.color.r * in.color.r, 1.0);
    if part.kind == 9u {
        albedo = vec4(0.0, 0.0, 0.0, 0.04);
    }
    // Backs of lenses are lit as fronts.
    normal *= select(1.0, -1.0, dot(normal, slots[in.slot].camera.xyz - in.world_position) < 0.0);
#endif
    let to_camera = normalize(slots[in.slot].camera.xyz - in.world_position);
    var base = albedo.rgb;
    // How far light bleeds past the terminator, a channel.
    var bleed = vec3(0.05);
    var f0 = 0.04;
    var roughness = 0.5;
    var sharp = 0.0;
    // The direction that diffuse light is gathered from, where it is not that of the surface.
    var inner = normal;
    if part.kind == 0u {
        let tone = slots[in.slot].skin.tone;
        let lips = slots[in.slot].skin.lips;
        let wear = slots[in.slot].skin.wear;
        var layer = vec3(0.0);
        if part.has_layers == 1u {
            layer = textureSample(base_texture, albedo_sampler, in.uv).rgb;
        }
        let uv_a = dpdx(in.uv);
        let uv_b = dpdy(in.uv);
        let photo = slots[in.slot].counts.y;
        if photo > 0u {
            let seen = textureSampleGrad(photo_skins, albedo_sampler, in.uv, i32(photo) - 1, uv_a, uv_b);
            base = mix(base, seen.rgb, seen.a);
        }
        base = look::skin_color(base, layer, tone, lips.rgb, wear);
        bleed = look::skin_bleed(tone);
        f0 = 0.028;
        roughness = look::skin_roughness(0.52, slots[in.slot].skin.paint.x);
        sharp = 0.25;
        var wrinkles = vec3(0.5, 0.5, 0.0);
#ifdef DETAIL
        roughness = textureSample(roughness_texture, albedo_sampler, in.uv).g;
        roughness = look::skin_roughness(roughness, slots[in.slot].skin.paint.x);
#endif
#ifdef DETAIL
        let has_more = part.has_layers == 1u;
#else
        // Lids' rims are smaller than a pixel of small pictures.
        let has_more = part.has_layers == 1u && look::is_made_up(lips);
#endif
        if has_more {
            let skin = slots[in.slot].skin;
#ifdef DETAIL
            // So are spots and relief.
            wrinkles = textureSampleGrad(wrinkles_texture, albedo_sampler, in.uv, uv_a, uv_b).rgb;
#endif
            let made = textureSampleGrad(made_texture, albedo_sampler, in.uv, uv_a, uv_b).rgb;
            base = look::skin_made_up(base, layer, made, wrinkles.b, skin);
            roughness = look::lipstick_roughness(roughness, layer, skin);
        }
#ifdef DETAIL
        // The frame of the texture from the pixel's derivatives (Mikkelsen 2010, Schueler 2007), so that the mesh needs no
        // tangents.
        let across_a = cross(normal, dpdx(in.world_position));
        let across_b = cross(dpdy(in.world_position), normal);
        let tangent = across_b * uv_a.x + across_a * uv_b.x;
        let bitangent = across_b * uv_a.y + across_a * uv_b.y;
        let scale = inverseSqrt(max(max(dot(tangent, tangent), dot(bitangent, bitangent)), 1e-30));
        let relief = textureSample(normal_texture, albedo_sampler, in.uv).xyz * 2.0 - 1.0;
        let slope = relief.xy * look::pores(wear) + (wrinkles.rg * 2.0 - 1.0) * wear.z;
        // v runs down the picture and the relief is painted with y up.
        normal = normalize(tangent * scale * slope.x - bitangent * scale * slope.y + normal * relief.z);
        inner = normal;
#endif
        let neckline = slots[in.slot].neckline;
        if slots[in.slot].cloth.w > 0.0 && in.bind.y < neckline.x {
            let front = smoothstep(-0.11, -0.06, in.bind.z);
            let line = mix(neckline.x, min(neckline.y + neckline.z * abs(in.bind.x), neckline.x), front);
            if in.bind.y < line {
                base = select(slots[in.slot].cloth.rgb, slots[in.slot].collar.rgb, in.bind.y > line - neckline.w);
                bleed = vec3(0.05);
                roughness = 0.9;
                f0 = 0.02;
                sharp = 0.0;
                inner = normalize(in.world_normal);
            }
        }
    } else if part.kind == 1u {
        let eyes = slots[in.slot].eyes;
#ifdef DETAIL
        let head = slots[in.slot].head_from_world;
        let left = vec3(head[0].x, head[1].x, head[2].x);
        let up = vec3(head[0].y, head[1].y, head[2].y);
        let eye = look::eye_place(in.uv, normal, left, up);
        let place = look::refracted(eye, normal, to_camera);
        let seen_at = look::from_flat(in.uv, look::sized(place, eyes));
        let texel = textureSampleGrad(albedo_texture, albedo_sampler, seen_at, dpdx(in.uv), dpdy(in.uv));
        base = look::eye_color(texel.rgb, place / eyes.iris.w, eyes);
        inner = look::iris_normal(eye, normal, eyes);
        roughness = 0.22;
        sharp = 1.0;
#else
        base = look::eye_color(base, look::to_flat(in.uv) / eyes.iris.w, eyes);
        roughness = 0.4;
        sharp = 0.6;
#endif
        f0 = 0.03;
    } else if part.kind == 2u {
        roughness = 0.6;
    } else if part.kind == 8u {
        roughness = 0.32;
        f0 = 0.08;
    } else if part.kind == 9u {
        roughness = 0.16;
    } else {
        roughness = 0.3;
        if part.kind == 3u {
            base *= TEETH;
        }
    }
    let n_v = max(dot(normal, to_camera), 0.02);

    let hemisphere = in.open * mix(slots[in.slot].ground.rgb, slots[in.slot].sky.rgb, normal.y * 0.5 + 0.5);
    var diffuse = hemisphere;
    var gloss = hemisphere * (f0 + (1.0 - f0) * pow(1.0 - n_v, 5.0)) * 0.5;
    for (var i = 0u; i < 4u; i++) {
        let lamp = slots[in.slot].lamps[i];
        let direction = lamp.direction.xyz;
        let half_vector = normalize(direction + to_camera);
        let facing = dot(normal, direction);
        let seen = clamp(in.sight.x + dot(in.sight.yzw, lamp.local_direction.xyz), LEAST_SEEN, 1.0);
        let light = lamp.color.rgb * seen;
        let wrap = bleed + vec3(lamp.direction.w);
#ifdef DETAIL
        diffuse += light * look::scattered(dot(inner, direction), wrap);
#else
        diffuse += light * look::scattered(facing, wrap);
#endif
        let n_l = saturate(facing);
        if n_l > 0.0 {
            let n_h = saturate(dot(normal, half_vector));
            let v_h = saturate(dot(to_camera, half_vector));
            let wide = specular(n_l, n_v, n_h, v_h, min(roughness + lamp.direction.w * 0.3, 1.0), f0);
            let narrow = specular(n_l, n_v, n_h, v_h, roughness * 0.65, f0);
            gloss += light * n_l * mix(wide, narrow, sharp);
        }
    }
#ifdef OPTION
    if part.kind == 9u {
        // Clear, but for what it mirrors.
        let mirrored = tonemap(gloss);
        let opacity = clamp(max(max(mirrored.r, mirrored.g), mirrored.b), albedo.a, 0.9);
        return vec4(mirrored / opacity, opacity);
    }
#endif
    return vec4(tonemap(base * diffuse + gloss), albedo.a);
#endif
}
