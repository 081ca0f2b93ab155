//! A thread that reads frames. The newest one waits to be taken; older ones are dropped.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use image::RgbImage;

use super::CameraError;
use crate::panel_texture;

/// How long a camera that is on may send nothing that can be shown.
const PATIENCE: Duration = Duration::from_secs(6);

/// What yields frames.
pub(super) trait FrameSource {
    /// The next frame; `None` when none has come for a short while.
    fn next_frame(&mut self) -> Result<Option<RgbImage>, CameraError>;
}

/// A frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// As it came.
    pub picture: RgbImage,
    /// As small as the panel needs it.
    pub small: RgbImage,
}

impl From<RgbImage> for Frame {
    fn from(picture: RgbImage) -> Self {
        Self { small: panel_texture::shrink(&picture), picture }
    }
}

/// Where the newest frame lies, or why there will be no further one.
type Slot = Mutex<Option<Result<Frame, CameraError>>>;

/// A thread at work; it ends when this is dropped.
pub(super) struct Capture {
    /// The thread holds it weakly: without it, nobody wants frames any more.
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
}

impl Capture {
    /// Starts a thread that opens a source and reads it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start<S: FrameSource>(
        open: impl FnOnce() -> Result<S, CameraError> + Send + 'static,
    ) -> Result<Self, CameraError> {
        let slot = Arc::default();
        let wanted = Arc::downgrade(&slot);
        let work = move || run(&wanted, open, PATIENCE);
        Ok(Self { slot, thread: thread::Builder::new().name("camera".into()).spawn(work)? })
    }

    /// The newest frame that has come since the last call.
    ///
    /// # Errors
    /// Why there will be no further frame.
    pub(super) fn newest(&self) -> Result<Option<Frame>, CameraError> {
        // Asked before the slot is looked into: a thread that ends between the two leaves its error there.
        let ended = self.thread.is_finished();
        match self.slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(newest) => newest.map(Some),
            None if ended => Err(CameraError::Gone),
            None => Ok(None),
        }
    }

    /// Lets the thread end; the source is released when it has.
    pub(super) fn stop(self) -> JoinHandle<()> {
        self.thread
    }
}

fn run<S: FrameSource>(wanted: &Weak<Slot>, open: impl FnOnce() -> Result<S, CameraError>, patience: Duration) {
    if let Err(error) = open().and_then(|source| read(wanted, source, patience))
        && let Some(slot) = wanted.upgrade()
    {
        put(&slot, Err(error));
    }
}

/// Reads until nobody wants frames any more.
fn read(wanted: &Weak<Slot>, mut source: impl FrameSource, patience: Duration) -> Result<(), CameraError> {
    let mut last = Instant::now();
    while wanted.strong_count() > 0 {
        match source.next_frame() {
            Ok(Some(picture)) => {
                last = Instant::now();
                let frame = Frame::from(picture);
                if let Some(slot) = wanted.upgrade() {
                    put(&slot, Ok(frame));
                }
            }
            // Cameras send a broken frame now and then, most of all the first one.
            Ok(None) | Err(CameraError::Frame(_)) if last.elapsed() < patience => {}
            Ok(None) => return Err(CameraError::Silent),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn put(slot: &Slot, newest: Result<Frame, CameraError>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::panic;
    use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

    use image::Rgb;

    use super::*;
    use crate::camera::FrameError;

    /// A camera that sends what it is given, and tells when it is asked for more and when it is released.
    struct Fake {
        frames: std::vec::IntoIter<Result<Option<RgbImage>, CameraError>>,
        idle: Sender<()>,
        _released: Sender<()>,
    }

    impl FrameSource for Fake {
        fn next_frame(&mut self) -> Result<Option<RgbImage>, CameraError> {
            self.frames.next().unwrap_or_else(|| {
                let _ = self.idle.send(());
                thread::sleep(Duration::from_millis(1));
                Ok(None)
            })
        }
    }

    fn fake(frames: Vec<Result<Option<RgbImage>, CameraError>>) -> (Fake, Receiver<()>, Receiver<()>) {
        let ((idle, is_idle), (released, is_released)) = (channel(), channel());
        (Fake { frames: frames.into_iter(), idle, _released: released }, is_idle, is_released)
    }

    fn picture(shade: u8) -> RgbImage {
        RgbImage::from_pixel(4, 2, Rgb([shade; 3]))
    }

    fn broken() -> CameraError {
        FrameError::Short { bytes: 1, needed: 2 }.into()
    }

    /// The error that a capture ends with.
    fn end_of(capture: &Capture) -> CameraError {
        loop {
            if let Err(error) = capture.newest() {
                return error;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_newest_frame_wins_and_is_handed_over_once() {
        let frames = (0..5).map(|shade| Ok(Some(picture(shade)))).chain([Err(broken())]).collect();
        let (camera, idle, _) = fake(frames);
        let capture = Capture::start(move || Ok(camera)).unwrap();
        idle.recv().unwrap();
        assert_eq!(capture.newest().unwrap().unwrap().picture, picture(4));
        assert_eq!(capture.newest().unwrap(), None);
    }

    #[test]
    fn the_thread_ends_and_releases_the_camera_when_nobody_watches() {
        let (camera, idle, released) = fake(vec![Ok(Some(picture(1)))]);
        let capture = Capture::start(move || Ok(camera)).unwrap();
        idle.recv().unwrap();
        capture.stop().join().unwrap();
        assert_eq!(released.try_recv(), Err(TryRecvError::Disconnected), "it was released when the thread ended");
        let (camera, idle, released) = fake(Vec::new());
        let capture = Capture::start(move || Ok(camera)).unwrap();
        idle.recv().unwrap();
        drop(capture);
        assert!(released.recv().is_err(), "a capture that is dropped ends, too");
    }

    #[test]
    fn what_ends_a_capture_is_told() {
        let busy = Capture::start(|| Err::<Fake, _>(CameraError::Busy)).unwrap();
        assert!(matches!(end_of(&busy), CameraError::Busy));
        let (camera, ..) = fake(vec![Ok(Some(picture(1))), Err(CameraError::Gone)]);
        let unplugged = Capture::start(move || Ok(camera)).unwrap();
        assert!(matches!(end_of(&unplugged), CameraError::Gone));
        let crashed = Capture::start(|| -> Result<Fake, _> { panic::resume_unwind(Box::new("nonsense")) }).unwrap();
        assert!(matches!(end_of(&crashed), CameraError::Gone));
    }

    #[test]
    fn patience_ends() {
        for (sent, silent) in [(Ok(None), true), (Err(broken()), false)] {
            let slot = Arc::default();
            let (camera, ..) = fake(vec![sent]);
            run(&Arc::downgrade(&slot), || Ok(camera), Duration::ZERO);
            let error = slot.lock().unwrap().take().unwrap().unwrap_err();
            assert_eq!(matches!(error, CameraError::Silent), silent, "{error}");
        }
    }
}
