//! The thread that predictions run on.
//!
//! Bevy's async compute pool has a quarter of the cores and also compiles shaders, so that a network in it would hold up
//! the first frames; the worker has a thread and a small pool of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use bevy::prelude::*;
use likeness_vision::Prediction;

use crate::error::{LikenessProblem, Result};
use crate::predict::backend::{PredictionBackend, PredictionRequest};
use crate::predict::local::Local;

/// At most so many threads by default: a game needs the other cores.
const MOST_THREADS: usize = 4;

/// The thread that predicts faces, one request after the other. It starts with the first request and ends with the app.
///
/// Insert one of your own before the plugin is added to choose the backend or the number of threads.
#[derive(Resource)]
pub struct PredictionWorker {
    state: Mutex<State>,
    answers: Mutex<Receiver<Answer>>,
}

enum State {
    Idle { backend: Box<dyn PredictionBackend>, threads: usize, answers: Sender<Answer> },
    Running(Sender<Job>),
    Gone,
}

impl std::fmt::Debug for PredictionWorker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match *lock(&self.state) {
            State::Idle { .. } => "idle",
            State::Running(_) => "running",
            State::Gone => "gone",
        };
        formatter.debug_struct("PredictionWorker").field("state", &state).finish_non_exhaustive()
    }
}

struct Job {
    entity: Entity,
    id: u64,
    request: PredictionRequest,
}

pub(crate) struct Answer {
    pub(crate) entity: Entity,
    pub(crate) id: u64,
    pub(crate) result: Result<Box<Prediction>>,
}

impl Default for PredictionWorker {
    /// [`Local`] on half of the cores, at most four.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::new(Local::default(), (cores / 2).clamp(1, MOST_THREADS))
    }
}

impl PredictionWorker {
    /// A worker for this backend, with so many threads (at least one) for its arithmetic.
    pub fn new(backend: impl PredictionBackend, threads: usize) -> Self {
        let (sender, receiver) = channel();
        let state = State::Idle { backend: Box::new(backend), threads: threads.max(1), answers: sender };
        Self { state: Mutex::new(state), answers: Mutex::new(receiver) }
    }

    pub(crate) fn send(&self, entity: Entity, id: u64, request: PredictionRequest) -> Result<()> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Idle { .. }) {
            state.start()?;
        }
        let State::Running(jobs) = &*state else {
            return Err(LikenessProblem::WorkerGone);
        };
        jobs.send(Job { entity, id, request }).map_err(|_| LikenessProblem::WorkerGone)
    }

    /// The answers that have arrived; never waits.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        lock(&self.answers).try_iter().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn start(&mut self) -> Result<()> {
        let Self::Idle { backend, threads, answers } = std::mem::replace(self, Self::Gone) else {
            return Err(LikenessProblem::WorkerGone);
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("likeness-{index}"))
            .build()
            .map_err(|error| LikenessProblem::Threads { problem: error.to_string() })?;
        let (sender, jobs) = channel();
        thread::Builder::new()
            .name("likeness-prediction".into())
            .spawn(move || work(backend, &pool, &jobs, &answers))
            .map_err(|error| LikenessProblem::Threads { problem: error.to_string() })?;
        *self = Self::Running(sender);
        Ok(())
    }
}

/// Works until the app is gone.
fn work(
    mut backend: Box<dyn PredictionBackend>,
    pool: &rayon::ThreadPool,
    jobs: &Receiver<Job>,
    answers: &Sender<Answer>,
) {
    for Job { entity, id, request } in jobs {
        if request.is_cancelled() {
            continue;
        }
        // A fault in a network must not take the game with it.
        let result = catch_unwind(AssertUnwindSafe(|| pool.install(|| backend.predict(&request))))
            .unwrap_or_else(|panic| Err(LikenessProblem::PredictionPanicked { problem: panic_text(&*panic) }));
        if answers.send(Answer { entity, id, result: result.map(Box::new) }).is_err() {
            return;
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
