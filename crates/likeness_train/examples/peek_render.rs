use likeness_train::shards::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let shard = read_shard(std::path::Path::new(&a[1])).unwrap();
    let n = shard[0].picture.width();
    let mut sheet = image::RgbImage::new(8*n, 4*n);
    for (i, r) in shard.iter().take(32).enumerate() {
        let (ox, oy) = ((i as u32%8)*n, (i as u32/8)*n);
        image::imageops::replace(&mut sheet, &r.picture, ox as i64, oy as i64);
        if a.len() > 3 { for p in &r.label.landmarks { let (x,y)=(p[0] as u32,p[1] as u32); if x<n && y<n { sheet.put_pixel(ox+x, oy+y, image::Rgb([0,255,0])); } } }
    }
    sheet.save(&a[2]).unwrap();
}
