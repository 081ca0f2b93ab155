//! Cameras of Linux: the Video4Linux devices /dev/video*.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use image::RgbImage;
use linuxvideo::format::{PixFormat, PixelFormat};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, BufTypes, Device};

use super::CameraError;
use super::capture::FrameSource;
use super::frame::{Encoding, FrameError};

/// What is asked for, by preference: cables carry more frames when these are compressed.
const FORMATS: [PixelFormat; 3] = [PixelFormat::MJPG, PixelFormat::JPEG, PixelFormat::YUYV];
/// The size that is asked for; the driver takes the nearest.
const SIZE: [u32; 2] = [1280, 720];
/// The longest wait for a frame before the thread looks whether it is still wanted.
const WAIT: Duration = Duration::from_millis(100);
/// The time between two looks for a frame.
const POLL: Duration = Duration::from_millis(4);
/// The system's number for a device that is not there any more.
const NO_DEVICE: i32 = 19;

impl From<io::Error> for CameraError {
    fn from(error: io::Error) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::ResourceBusy, _) => Self::Busy,
            (_, Some(NO_DEVICE)) => Self::Gone,
            _ => Self::Device(error),
        }
    }
}

/// Which video devices there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    devices: Vec<u32>,
    /// Whether one of them is a camera.
    pub has_camera: bool,
}

impl Survey {
    /// Looks again. While the devices are the same, the camera that was found is left alone: opening wakes it.
    pub(super) fn again(self) -> Self {
        let devices = devices();
        if self.has_camera && self.devices == devices {
            return self;
        }
        Self { has_camera: find(&devices).is_some(), devices }
    }
}

/// The numbers of the video devices, from the lowest.
fn devices() -> Vec<u32> {
    let files = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        files.filter_map(|file| file.file_name().to_str()?.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// The first device that sends frames which can be read, and their format.
fn find(devices: &[u32]) -> Option<(Device, PixelFormat)> {
    devices.iter().find_map(|number| {
        let device = Device::open(format!("/dev/video{number}")).ok()?;
        if !device.supported_buf_types().contains(BufTypes::VIDEO_CAPTURE) {
            return None;
        }
        let offered: Vec<PixelFormat> =
            device.formats(BufType::VIDEO_CAPTURE).flatten().map(|format| format.pixel_format()).collect();
        let format = FORMATS.into_iter().find(|format| offered.contains(format))?;
        Some((device, format))
    })
}

/// A camera that is on; off when dropped.
pub(super) struct Camera {
    stream: ReadStream,
    encoding: Encoding,
}

impl Camera {
    /// Turns the first camera on.
    ///
    /// # Errors
    /// There is none, it belongs to another program, or it does not do what it says.
    pub(super) fn open() -> Result<Self, CameraError> {
        let (device, format) = find(&devices()).ok_or(CameraError::Gone)?;
        let [width, height] = SIZE;
        let device = device.video_capture(PixFormat::new(width, height, format))?;
        let encoding = encoding(device.format())?;
        Ok(Self { stream: device.into_stream()?, encoding })
    }
}

/// What the driver has settled on.
fn encoding(format: &PixFormat) -> Result<Encoding, FrameError> {
    match format.pixel_format() {
        PixelFormat::MJPG | PixelFormat::JPEG => Ok(Encoding::Mjpeg),
        PixelFormat::YUYV => {
            Ok(Encoding::Yuyv { width: format.width(), height: format.height(), stride: format.bytes_per_line() })
        }
        other => Err(FrameError::Encoding(other.to_string())),
    }
}

impl FrameSource for Camera {
    fn next_frame(&mut self) -> Result<Option<RgbImage>, CameraError> {
        let begin = Instant::now();
        while self.stream.will_block()? {
            if begin.elapsed() > WAIT {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
        // The driver gets its buffer back before the frame is decoded.
        let bytes = self.stream.dequeue(|frame| Ok((!frame.is_error()).then(|| frame.to_vec())))?;
        Ok(bytes.map(|bytes| self.encoding.decode(&bytes)).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_system_s_errors_are_told_apart() {
        let error = |number| CameraError::from(io::Error::from_raw_os_error(number));
        assert!(matches!(error(16), CameraError::Busy), "EBUSY");
        assert!(matches!(error(NO_DEVICE), CameraError::Gone));
        assert!(matches!(error(5), CameraError::Device(_)), "EIO");
    }

    #[test]
    fn formats_that_nobody_asked_for_are_errors() {
        let settled = |format| encoding(&PixFormat::new(640, 480, format));
        assert_eq!(settled(PixelFormat::MJPG).unwrap(), Encoding::Mjpeg);
        assert_eq!(settled(PixelFormat::YUYV).unwrap(), Encoding::Yuyv { width: 640, height: 480, stride: 0 });
        let error = settled(PixelFormat::RGB3).unwrap_err().to_string();
        assert!(error.contains("RGB3"), "{error}");
    }

    #[test]
    fn without_devices_there_is_no_camera() {
        assert!(find(&[]).is_none());
        // No system counts so far.
        assert!(find(&[u32::MAX]).is_none());
    }
}
