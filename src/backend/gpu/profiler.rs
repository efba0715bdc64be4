//! Times single dispatches: by timestamp queries where the adapter supports them, else by the wall clock.

use super::engine::Engine;
use crate::backend::interface::{Backend, Clock, KernelTimes, median};
use crate::clock::Instant;
use crate::error::Result;
use crate::plan::{DispatchId, Step};
use wgpu::{BufferUsages, CommandEncoder, Features, QuerySet};

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
        let features = self.device.features();
        let clock = match features.contains(Features::TIMESTAMP_QUERY) {
            true if features.contains(Features::TIMESTAMP_QUERY_INSIDE_PASSES) => Clock::QueriesInPass,
            true => Clock::TimestampQueries,
            false => Clock::Wall,
        };
        let mut samples = vec![Vec::with_capacity(rounds); launches.len()];
        for _ in 0..rounds {
            let seconds = match clock {
                Clock::QueriesInPass => self.by_queries(&launches, step, Self::encode_in_one_pass).await?,
                Clock::TimestampQueries => self.by_queries(&launches, step, Self::encode_in_passes).await?,
                Clock::Wall => self.by_wall_clock(&launches, step).await?,
            };
            samples.iter_mut().zip(seconds).for_each(|(all, one)| all.push(one));
        }
        let seconds = samples.into_iter().map(median).collect();
        Ok(KernelTimes { clock, seconds })
    }

    /// Seconds of each launch, from two timestamps for each that `encode` writes.
    async fn by_queries(
        &mut self,
        launches: &[&[DispatchId]],
        step: Step,
        encode: fn(&Self, &mut CommandEncoder, &QuerySet, &[&[DispatchId]]),
    ) -> Result<Vec<f64>> {
        let count = 2 * launches.len() as u32;
        let size = u64::from(count) * 8;
        let label = Some("timestamps");
        let queries =
            self.device.create_query_set(&wgpu::QuerySetDescriptor { label, ty: wgpu::QueryType::Timestamp, count });
        let buffer = |usage| {
            self.device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
        };
        let resolved = buffer(BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC);
        let staging = buffer(BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        self.write_steps(&[step]);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encode(self, &mut encoder, &queries, launches);
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.map(&staging, size).await?);
        let period = f64::from(self.queue.get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * period).collect())
    }

    /// All launches in one compute pass, as in training; a timestamp before and after each.
    fn encode_in_one_pass(&self, encoder: &mut CommandEncoder, queries: &QuerySet, launches: &[&[DispatchId]]) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for (launch, first) in launches.iter().zip((0..).step_by(2)) {
            pass.write_timestamp(queries, first);
            self.encode(&mut pass, self.loaded(launch), 0);
            pass.write_timestamp(queries, first + 1);
        }
    }

    /// Each launch in its own compute pass, with a timestamp at the beginning and the end.
    fn encode_in_passes(&self, encoder: &mut CommandEncoder, queries: &QuerySet, launches: &[&[DispatchId]]) {
        for (launch, first) in launches.iter().zip((0..).step_by(2)) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: queries,
                    beginning_of_pass_write_index: Some(first),
                    end_of_pass_write_index: Some(first + 1),
                }),
            });
            self.encode(&mut pass, self.loaded(launch), 0);
        }
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
