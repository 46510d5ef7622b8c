//! The charts of a report as files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::{Error, put};
use crate::report::chart::{Chart, Form, svg};

/// Pixels of a PNG for one of an SVG.
const ENLARGED: f32 = 2.0;

/// Writes every chart as SVG and PNG.
pub(super) fn write(folder: &Path, charts: &[Chart]) -> Result<(), Error> {
    let unwritable = |why| Error::Unwritable { path: folder.to_owned(), why };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        eprintln!(
            "warning: no fonts are installed, so the PNGs are without text; the SVGs have it"
        );
    }
    if let Some(family) = sans(&fonts) {
        fonts.set_sans_serif_family(family);
    }
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    for chart in charts {
        let text = svg(chart, Form::File);
        put(&folder.join(format!("{}.svg", chart.id)), text.as_bytes())?;
        let path = folder.join(format!("{}.png", chart.id));
        let drawn = png(&text, &options);
        put(&path, &drawn.map_err(|why| Error::Png { path: path.clone(), why })?)?;
    }
    println!("Charts: {} in {}, as SVG and PNG", charts.len(), folder.display());
    Ok(())
}

/// A family without serifs that is installed: one that is usual, else any.
fn sans(fonts: &usvg::fontdb::Database) -> Option<String> {
    const USUAL: [&str; 6] =
        ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica", "Roboto"];
    let installed = || fonts.faces().flat_map(|face| &face.families).map(|(name, _)| name);
    let usual = USUAL.iter().find(|usual| installed().any(|name| name == *usual));
    usual.map(|usual| (*usual).to_owned()).or_else(|| installed().next().cloned())
}

fn png(text: &str, options: &usvg::Options<'_>) -> Result<Vec<u8>, String> {
    let tree = usvg::Tree::from_str(text, options).map_err(|error| error.to_string())?;
    let size = tree.size();
    let (width, height) = (size.width() * ENLARGED, size.height() * ENLARGED);
    let mut pixels = tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32)
        .ok_or("it has no size")?;
    let scale = tiny_skia::Transform::from_scale(ENLARGED, ENLARGED);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}
