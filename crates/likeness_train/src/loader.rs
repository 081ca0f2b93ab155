//! Batches made on worker threads ahead of the training step, always in the same order.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use crate::error::{Result, TrainError};

/// Makes batches ahead of time. Batch `i` depends on `i` alone, so a resumed run goes on where it stopped.
pub struct Loader<T> {
    queues: Vec<Receiver<T>>,
    next: u64,
    first: u64,
}

impl<T: Send + 'static> Loader<T> {
    /// Starts `workers` threads that call `make(first)`, `make(first + 1)`, ... and keep at most `depth` finished batches each.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        first: u64,
        workers: usize,
        depth: usize,
        make: impl Fn(u64) -> T + Send + Sync + 'static,
    ) -> Result<Self> {
        let make = Arc::new(make);
        let workers = workers.max(1);
        let mut queues = Vec::with_capacity(workers);
        for worker in 0..workers as u64 {
            let (send, receive) = sync_channel(depth);
            let make = Arc::clone(&make);
            thread::Builder::new()
                .name(format!("loader-{worker}"))
                .spawn(move || {
                    let mut index = first + worker;
                    // The queue closes when the loader is dropped.
                    while send.send(make(index)).is_ok() {
                        index += workers as u64;
                    }
                })
                .map_err(|error| TrainError::Loader(error.to_string()))?;
            queues.push(receive);
        }
        Ok(Self { queues, next: first, first })
    }

    /// The next batch.
    ///
    /// # Errors
    /// A worker thread ended by a panic.
    pub fn next_batch(&mut self) -> Result<T> {
        let queue = &self.queues[((self.next - self.first) % self.queues.len() as u64) as usize];
        let batch = queue.recv().map_err(|_| TrainError::Loader(format!("no batch {}", self.next)))?;
        self.next += 1;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    #[test]
    fn batches_come_in_order_whatever_the_threads_do() {
        for workers in [1, 3] {
            let mut loader = Loader::start(10, workers, 2, |index| {
                thread::sleep(std::time::Duration::from_millis((index * 7) % 5));
                index
            })
            .unwrap();
            let got: Vec<u64> = (0..20).map(|_| loader.next_batch().unwrap()).collect();
            assert_eq!(got, (10..30).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_dead_worker_is_an_error_and_no_hang() {
        let mut loader = Loader::start(0, 1, 1, |index| assert!(index < 1, "expected by the test")).unwrap();
        loader.next_batch().unwrap();
        assert!(loader.next_batch().is_err());
    }
}
