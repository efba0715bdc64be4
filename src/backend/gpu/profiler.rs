//! Times single dispatches: by timestamp queries where the adapter supports them, else by the wall clock.

use super::Engine;
use crate::backend::{Backend, Clock, KernelTimes};
use crate::error::{Error, Result};
use crate::plan::{Phase, Step};
use std::time::Instant;
use wgpu::{BufferUsages, Features};

/// Repetitions of a dispatch in one wall-clock measurement, which amortise the time of the wait.
const REPEATS: usize = 16;

impl Engine {
    /// Seconds of each dispatch of `phase`, the median of `rounds` measurements.
    pub(super) async fn dispatch_times(&mut self, phase: Phase, step: Step, rounds: usize) -> Result<KernelTimes> {
        let dispatch_ids = self.plan().phase(phase).to_vec();
        let use_queries = self.device().features().contains(Features::TIMESTAMP_QUERY);
        let mut samples = vec![Vec::with_capacity(rounds); dispatch_ids.len()];
        for _ in 0..rounds {
            let seconds = match use_queries {
                true => self.by_queries(&dispatch_ids, step).await?,
                false => self.by_wall_clock(&dispatch_ids, step)?,
            };
            samples.iter_mut().zip(seconds).for_each(|(all, one)| all.push(one));
        }
        let clock = if use_queries { Clock::TimestampQueries } else { Clock::Wall };
        let seconds = samples.into_iter().map(crate::backend::median).collect();
        Ok(KernelTimes { clock, seconds })
    }

    /// Seconds of each dispatch, each in its own compute pass with a timestamp at the beginning and the end.
    async fn by_queries(&mut self, dispatch_ids: &[usize], step: Step) -> Result<Vec<f64>> {
        let count = 2 * dispatch_ids.len() as u32;
        let device = self.device();
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let buffer = |usage| {
            let size = u64::from(count) * 8;
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolved = buffer(BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC);
        let staging = buffer(BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        self.write_steps(&[step]);
        let mut encoder = self.device().create_command_encoder(&Default::default());
        for (i, id) in dispatch_ids.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(2 * i as u32),
                    end_of_pass_write_index: Some(2 * i as u32 + 1),
                }),
            });
            self.encode(&mut pass, *id, 0);
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, u64::from(count) * 8);
        self.queue().submit([encoder.finish()]);
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.map(&staging, u64::from(count) * 8).await?);
        let period = f64::from(self.queue().get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * period).collect())
    }

    /// Seconds of each dispatch: [`REPEATS`] repetitions, timed from the first submission until the device is idle.
    fn by_wall_clock(&mut self, dispatch_ids: &[usize], step: Step) -> Result<Vec<f64>> {
        let port = self.plan().ports.metrics;
        let mut time = |id: usize| {
            self.read(port, 1)?;
            let started = Instant::now();
            for _ in 0..REPEATS {
                self.run_dispatches(&[id], &[step])?;
            }
            self.read(port, 1)?;
            Ok::<f64, Error>(started.elapsed().as_secs_f64() / REPEATS as f64)
        };
        dispatch_ids.iter().map(|id| time(*id)).collect()
    }
}
