//! Windows that slide along an axis, of convolutions and pools.

use crate::error::{Result, usage};
use serde::{Deserialize, Serialize};

/// Border handling, as in Keras.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only whole windows.
    #[default]
    Valid,
    /// As many outputs as input / stride, rounded up; the border is zeros (ignored by a pool).
    Same,
}

/// Windows and strides may not be longer.
const MAX_WINDOW: usize = 1024;

/// One axis of a window that slides: sizes in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowAxis {
    /// Input size in pixels.
    pub(crate) input: usize,
    /// Window size in pixels: the kernel of a convolution, or the pool.
    pub(crate) kernel: usize,
    /// Distance between windows.
    pub(crate) stride: usize,
    /// Distance between the taps of a window.
    pub(crate) dilation: usize,
    /// Padding before the first pixel; what follows the last is implied by `output`.
    pub(crate) pad: usize,
    /// Number of windows: the output size in pixels.
    pub(crate) output: usize,
}

impl WindowAxis {
    /// The axis of `input` pixels under windows of `window` every `stride`, or what does not fit.
    pub(crate) fn new(input: usize, window: usize, stride: usize, padding: Padding) -> Result<Self> {
        Self::dilated(input, window, stride, 1, padding)
    }

    /// As [`Self::new`], with `dilation` pixels from tap to tap.
    pub(crate) fn dilated(
        input: usize,
        window: usize,
        stride: usize,
        dilation: usize,
        padding: Padding,
    ) -> Result<Self> {
        if [window, stride, dilation].iter().any(|n| !(1..=MAX_WINDOW).contains(n)) {
            let dilated = if dilation == 1 { String::new() } else { format!(" and dilation rate {dilation}") };
            return Err(usage!("window {window} with stride {stride}{dilated}: each must be 1 to {MAX_WINDOW}"));
        }
        let extent = (window - 1) * dilation + 1;
        let (output, pad) = match padding {
            Padding::Valid if input < extent => {
                return Err(usage!(
                    "a window of {extent} does not fit {input} pixels; use padding = \"same\" or a smaller window"
                ));
            }
            Padding::Valid => ((input - extent) / stride + 1, 0),
            Padding::Same => {
                let output = input.div_ceil(stride);
                let total = ((output - 1) * stride + extent).saturating_sub(input);
                (output, total / 2)
            }
        };
        Ok(Self { input, kernel: window, stride, dilation, pad, output })
    }

    /// One window over all of `input` pixels.
    pub(crate) fn whole(input: usize) -> Self {
        Self { input, kernel: input, stride: input, dilation: 1, pad: 0, output: 1 }
    }

    /// `input` windows of one pixel each.
    pub(crate) fn pixels(input: usize) -> Self {
        Self { input, kernel: 1, stride: 1, dilation: 1, pad: 0, output: input }
    }

    /// Pixels from the first to the last tap of a window.
    pub(crate) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Pixels from the first tap of the first window to the last tap of the last.
    pub(crate) fn span(&self) -> usize {
        (self.output - 1) * self.stride + self.extent()
    }

    /// Pixels with the padding: all that the windows reach, and all of the input.
    pub(crate) fn padded(&self) -> usize {
        (self.pad + self.input).max(self.span())
    }

    /// Whether a window reaches past either end.
    pub(crate) fn is_padded(&self) -> bool {
        self.pad > 0 || self.span() > self.input
    }

    /// The input position under tap `tap` of window `out`, if it is inside.
    pub(crate) fn at(&self, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride + tap * self.dilation).checked_sub(self.pad).filter(|&i| i < self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_agrees_with_keras() {
        let output = |input, window, stride, padding| {
            let axis = WindowAxis::new(input, window, stride, padding).expect("fits");
            (axis.output, axis.pad, axis.is_padded())
        };
        assert_eq!(output(28, 3, 1, Padding::Valid), (26, 0, false));
        assert_eq!(output(11, 2, 2, Padding::Valid), (5, 0, false));
        assert_eq!(output(28, 3, 1, Padding::Same), (28, 1, true));
        assert_eq!(output(28, 3, 2, Padding::Same), (14, 0, true));
        assert_eq!(output(7, 2, 3, Padding::Same), (3, 0, true));
        assert_eq!(output(6, 2, 3, Padding::Same), (2, 0, false));
        let dilated = WindowAxis::dilated(28, 3, 1, 2, Padding::Same).expect("fits");
        assert_eq!((dilated.output, dilated.pad, dilated.extent()), (28, 2, 5));
        assert_eq!(WindowAxis::dilated(9, 4, 1, 2, Padding::Valid).expect("fits").output, 3);
        let error = WindowAxis::new(2, 3, 1, Padding::Valid).expect_err("too small").to_string();
        assert!(error.contains("window of 3 does not fit 2 pixels"), "{error}");
    }
}
