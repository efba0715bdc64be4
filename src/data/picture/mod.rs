//! Pictures in files of any format, as the pixels of images of a given shape.
//!
//! A picture is decoded (of an animation the first frame), turned as its EXIF orientation says, and 8 bits a channel from then on. What is
//! transparent lies on white, as on a page, or on black where white would hide all of it. For models of one channel it becomes grey by the luma
//! of ITU-R BT.601, in the integers of PIL's `convert("L")`. Then it is resized, each axis by its own factor, by a triangle filter that is as
//! wide as a pixel of the result: bilinear with antialiasing, as PIL's `resize(BILINEAR)` and TensorFlow's `resize(antialias=True)`. Without
//! antialiasing, as Keras's `image_dataset_from_directory` does it, most pixels of a photo would not count at all at 28x28. A picture that has the
//! shape already keeps its values. Colour profiles and gamma are not looked at.

mod colors;
mod decode;
mod file;
mod jpeg;
mod resize;

pub use decode::{PictureInfo, decode_picture};
pub(crate) use file::read_bytes;
pub use file::{EXTENSIONS, has_picture_extension, picture_info, read_picture};
