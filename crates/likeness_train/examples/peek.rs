use likeness_train::{landmark_data::*, portraits::*, split::split};
use std::path::Path;
fn main() {
    let path = Path::new("/work/shared/faces/train.jsonl");
    let parts = split(drop_misfits(read_labels(path).unwrap()));
    let labels: Vec<_> = parts.train.into_iter().take(60).collect();
    let photos: Vec<LandmarkItem> = load_portraits(path.parent().unwrap(), labels, 72.0).unwrap().into_iter().map(|p| LandmarkItem{picture:p.picture, landmarks:p.landmarks}).collect();
    let w = running_sum(&vec![1.0; photos.len()]);
    let data = LandmarkData{photos, photo_weights: w, renders: vec![], photo_share: 1.0};
    let t = std::time::Instant::now();
    let b = data.batch(1, 0, 32);
    eprintln!("batch {:?}", t.elapsed());
    let mut sheet = image::RgbImage::new(8*128, 4*128);
    for i in 0..32usize {
        let (ox, oy) = ((i%8)*128, (i/8)*128);
        for y in 0..128usize { for x in 0..128usize {
            let v = |c: usize| ((b.images[i*3*16384 + c*16384 + y*128 + x]+1.0)*127.5) as u8;
            sheet.put_pixel((ox+x) as u32, (oy+y) as u32, image::Rgb([v(0), v(1), v(2)]));
        }}
        for p in b.points[i*136..][..136].chunks(2) {
            let (x,y)=((p[0]*128.0) as i32, (p[1]*128.0) as i32);
            if (0..128).contains(&x) && (0..128).contains(&y) { sheet.put_pixel((ox as i32+x) as u32, (oy as i32+y) as u32, image::Rgb([0,255,0])); }
        }
    }
    sheet.save("/work/exp/peek.png").unwrap();
}
