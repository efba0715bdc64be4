//! Times single dispatches: by timestamp queries where the adapter supports them, else by the wall clock.

use super::engine::Engine;
use crate::backend::interface::{Backend, Clock, KernelTimes, median};
use crate::clock::Instant;
use crate::error::Result;
use crate::plan::{DispatchId, Step};
use wgpu::{BufferUsages, Features};

/// Repetitions of a dispatch in one wall-clock measurement, which amortise the time of the wait.
const REPEATS: usize = 16;

impl Engine {
    /// Seconds of each launch of the dispatches `ids`, the median of `rounds` measurements.
    pub(super) async fn dispatch_times(
        &mut self,
        ids: &[DispatchId],
        step: Step,
        rounds: usize,
    ) -> Result<KernelTimes> {
        let plan = std::sync::Arc::clone(&self.plan);
        let launches = plan.launches(ids);
        let use_queries = self.device.features().contains(Features::TIMESTAMP_QUERY);
        let mut samples = vec![Vec::with_capacity(rounds); launches.len()];
        for _ in 0..rounds {
            let seconds = match use_queries {
                true => self.by_queries(&launches, step).await?,
                false => self.by_wall_clock(&launches, step).await?,
            };
            samples.iter_mut().zip(seconds).for_each(|(all, one)| all.push(one));
        }
        let clock = if use_queries { Clock::TimestampQueries } else { Clock::Wall };
        let seconds = samples.into_iter().map(median).collect();
        Ok(KernelTimes { clock, seconds })
    }

    /// Seconds of each launch, each in its own compute pass with a timestamp at the beginning and the end.
    async fn by_queries(&mut self, launches: &[&[DispatchId]], step: Step) -> Result<Vec<f64>> {
        let count = 2 * launches.len() as u32;
        let device = &self.device;
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
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for (i, launch) in launches.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(2 * i as u32),
                    end_of_pass_write_index: Some(2 * i as u32 + 1),
                }),
            });
            self.encode(&mut pass, self.loaded(launch), 0);
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, u64::from(count) * 8);
        self.queue.submit([encoder.finish()]);
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.map(&staging, u64::from(count) * 8).await?);
        let period = f64::from(self.queue.get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * period).collect())
    }

    /// Seconds of each launch: [`REPEATS`] repetitions, timed from the first submission until the device is idle.
    async fn by_wall_clock(&mut self, launches: &[&[DispatchId]], step: Step) -> Result<Vec<f64>> {
        let metrics = self.plan.host.metrics;
        let mut seconds = Vec::with_capacity(launches.len());
        for launch in launches {
            self.read(metrics, 1).await?;
            let started = Instant::now();
            for _ in 0..REPEATS {
                self.run_dispatches(launch, &[step])?;
            }
            self.read(metrics, 1).await?;
            seconds.push(started.elapsed().as_secs_f64() / REPEATS as f64);
        }
        Ok(seconds)
    }
}
