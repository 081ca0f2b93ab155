//! Where a network is trained.

use std::{fmt, str::FromStr};

use candle_core::Device;

use crate::error::{Result, TrainError};

/// Where a network is trained: `cpu`, `cuda`, `cuda:N` or `metal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrainDevice {
    /// The processor, by this project's kernels. Runs repeat bit for bit.
    #[default]
    Cpu,
    /// An NVIDIA GPU by its number; needs the feature `cuda`.
    Cuda(usize),
    /// Apple's GPU; needs the feature `metal`.
    Metal,
}

impl TrainDevice {
    /// The device, ready for tensors.
    ///
    /// # Errors
    /// The program was built without the feature; there is no such GPU.
    pub fn open(self) -> Result<Device> {
        let device = match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) => Device::new_cuda(number),
            Self::Metal => Device::new_metal(0),
        };
        device.map_err(|source| TrainError::Device { device: self.to_string(), source })
    }
}

impl fmt::Display for TrainDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl FromStr for TrainDevice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}`: write cpu, cuda, cuda:N or metal");
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => text.strip_prefix("cuda:").and_then(|number| number.parse().ok()).map(Self::Cuda).ok_or_else(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for text in ["cpu", "cuda:0", "cuda:3", "metal"] {
            assert_eq!(text.parse::<TrainDevice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(TrainDevice::Cuda(0)));
        assert!("gpu".parse::<TrainDevice>().is_err() && "cuda:x".parse::<TrainDevice>().is_err());
        assert!(TrainDevice::default().open().unwrap().is_cpu());
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_device_that_is_not_built_in_is_an_error_that_names_it() {
        let error = TrainDevice::Cuda(1).open().unwrap_err().to_string();
        assert!(error.contains("cuda:1"), "{error}");
        assert!(TrainDevice::Metal.open().is_err());
    }
}
