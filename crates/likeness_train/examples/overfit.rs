use likeness_train::{landmark_data::*, portraits::*, split::split, landmark_training::wing_loss};
use likeness_nets::*;
use candle_core::*;
use std::path::Path;
fn main() {
    let lr: f64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let path = Path::new("/work/shared/faces/train.jsonl");
    let parts = split(drop_misfits(read_labels(path).unwrap()));
    let labels: Vec<_> = parts.train.into_iter().take(60).collect();
    let photos: Vec<LandmarkItem> = load_portraits(path.parent().unwrap(), labels, 72.0).unwrap().into_iter().map(|p| LandmarkItem{picture:p.picture, landmarks:p.landmarks}).collect();
    let w = running_sum(&vec![1.0; photos.len()]);
    let data = LandmarkData{photos, photo_weights: w, renders: vec![], photo_share: 1.0};
    let b = data.batch(1, 0, 16);
    let d = Device::Cpu;
    let x = Tensor::from_vec(b.images, (16,3,128,128), &d).unwrap();
    let y = Tensor::from_vec(b.points, (16,68,2), &d).unwrap();
    let map = candle_nn::VarMap::new();
    let net = LandmarkNet::new(&LandmarkConfig::default(), SeededInit::builder(&map, 1, &d).pp("net"), None).unwrap();
    let mut opt = AdamW::new(&map, AdamWConfig{learning_rate: lr, clip_norm: std::env::args().nth(2).map(|s| s.parse().unwrap()), ..Default::default()}).unwrap();
    for i in 0..60 {
        let loss = wing_loss(&net.forward(&x, true).unwrap(), &y).unwrap();
        let g = loss.backward().unwrap();
        let r = opt.step(&g).unwrap();
        if i % 5 == 0 { println!("{i} {:.4} grad {:.3}", loss.to_scalar::<f32>().unwrap(), r.gradient_norm); }
    }
    let loss = wing_loss(&net.forward(&x, false).unwrap(), &y).unwrap();
    println!("eval {:.4}", loss.to_scalar::<f32>().unwrap());
}
