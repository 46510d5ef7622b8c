//! Small images, enlarged, on one picture: a contact sheet.

use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Pixels that a pixel of an image becomes, across and down.
const ENLARGED: usize = 4;
/// White pixels between images, and around them.
const GAP: usize = 4;
/// Bytes of a pixel.
const RGB: usize = 3;

/// Images row by row as a PNG, each pixel of them as a square of 4 by 4 pixels; in as many columns as
/// the root of their number, rounded up. An image is `side` rows of `side` pixels of red, green and blue.
/// What is missing of an image is white.
///
/// # Errors
/// Where there is no image, or `side` is 0.
pub fn contact_sheet(images: &[&[u8]], side: usize) -> Result<Vec<u8>, EncodingError> {
    let columns = columns(images.len());
    let rows = images.len().div_ceil(columns.max(1));
    let tile = side * ENLARGED;
    let (width, height) = (GAP + columns * (tile + GAP), GAP + rows * (tile + GAP));
    let mut pixels = vec![u8::MAX; width * height * RGB];
    for (place, image) in images.iter().enumerate() {
        let corner = (GAP + place % columns * (tile + GAP), GAP + place / columns * (tile + GAP));
        enlarge(image, side, &mut pixels, width, corner);
    }
    let size = |pixels: usize| if images.is_empty() { 0 } else { pixels as u32 };
    encode(&pixels, size(width), size(height))
}

/// An image as a PNG, as it is: `side` rows of `side` pixels of red, green and blue.
///
/// # Errors
/// Where it has another size.
pub fn image(pixels: &[u8], side: usize) -> Result<Vec<u8>, EncodingError> {
    encode(pixels, side as u32, side as u32)
}

/// The fewest columns whose square holds so many.
fn columns(count: usize) -> usize {
    (0..).find(|columns| columns * columns >= count).unwrap_or(count)
}

/// Draws an image with its corner at `(x, y)` of a picture that is `width` pixels wide.
fn enlarge(image: &[u8], side: usize, pixels: &mut [u8], width: usize, (x, y): (usize, usize)) {
    for (row, line) in image.chunks_exact(side.max(1) * RGB).enumerate() {
        let wide: Vec<u8> = line.chunks_exact(RGB).flat_map(|rgb| rgb.repeat(ENLARGED)).collect();
        for below in 0..ENLARGED {
            let from = ((y + row * ENLARGED + below) * width + x) * RGB;
            if let Some(place) = pixels.get_mut(from..from + wide.len()) {
                place.copy_from_slice(&wide);
            }
        }
    }
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The pixels of a PNG, and its width.
    fn read(bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (pixels, info.width as usize)
    }

    /// Three images of 2 by 2 pixels in two columns: tiles of 8 pixels between gaps of 4.
    #[test]
    fn every_pixel_becomes_a_square() {
        let image = |shade: u8| (0..12).map(|at| shade + at).collect::<Vec<u8>>();
        let images = [image(0), image(50), image(100)];
        let views: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let (pixels, width) = read(&contact_sheet(&views, 2).unwrap());
        assert_eq!((width, pixels.len()), (28, 28 * 28 * 3));
        let at = |x: usize, y: usize| &pixels[(y * width + x) * 3..][..3];
        assert_eq!((at(4, 4), at(7, 7)), (&[0, 1, 2][..], &[0, 1, 2][..]));
        assert_eq!(
            (at(8, 4), at(4, 8), at(11, 11)),
            (&[3, 4, 5][..], &[6, 7, 8][..], &[9, 10, 11][..])
        );
        assert_eq!((at(16, 4), at(4, 16)), (&[50, 51, 52][..], &[100, 101, 102][..]));
        for (x, y) in [(3, 3), (12, 4), (15, 4), (4, 12), (16, 16), (24, 24)] {
            assert_eq!(at(x, y), [255; 3], "{x} {y}");
        }
    }

    #[test]
    fn columns_are_the_root() {
        let all: Vec<usize> = [0, 1, 2, 4, 5, 25, 26, 400].into_iter().map(columns).collect();
        assert_eq!(all, [0, 1, 2, 2, 3, 5, 6, 20]);
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(contact_sheet(&[], 32).is_err());
    }
}
