//! What the page tells of single classes and images.

use crate::cli::ReportArgs;
use crate::commands::images::{class_name, class_names, spec_of, test_images};
use crate::compare::classes::{
    Answers, Confusion, Disagreement, NoAnswers, Opinion, Panel, Tally, disagreements, hardest,
    standings,
};
use crate::data::{IMAGE_BYTES, Images, SIDE};
use crate::picture::sheet::image;
use crate::records::{Folder, Unreadable};
use crate::report::{Classes, Gallery, Picture};
use crate::saved::RunFile;
use crate::statistics::mean;

/// Images of a gallery.
const SHOWN: usize = 12;
/// Experiments, the best ones, whose mistakes are shown.
const MISTAKEN: usize = 3;
/// The share of the seeds from which on two experiments disagree on an image.
const SHARE: f64 = 0.75;

/// Single classes and images of some experiments; nothing where no run kept its predictions.
pub(super) fn images(
    args: &ReportArgs,
    folder: &Folder,
    only: &[String],
    notes: &mut Vec<String>,
    unreadable: &mut Vec<Unreadable>,
) -> (Option<Classes>, Vec<Gallery>) {
    let panel = match Panel::of_classes(folder, only) {
        Ok(panel) => panel,
        Err(none) => {
            notes.push(none_kept(none, unreadable));
            return (None, Vec::new());
        }
    };
    unreadable
        .extend(panel.unreadable.iter().filter(|own| !folder.unreadable.contains(own)).cloned());
    notes.extend(panel.notes.clone());
    let data = args.data.as_deref();
    let spec = spec_of(panel.run);
    let names = spec.as_ref().ok().and_then(|spec| class_names(&spec.data, data).ok());
    let names = names.unwrap_or_default();
    let classes = panel.classes(names.len());
    let told = Classes {
        experiments: panel.answers.iter().map(|own| (own.experiment.clone(), own.n())).collect(),
        standings: standings(&panel.answers, classes, args.level),
        confusions: panel.answers.iter().map(|own| Confusion::of(own, classes)).collect(),
        names,
    };
    let ranked = ranked(&panel.answers);
    // What runs say of single images is read of those experiments alone that are told of.
    let read: Vec<String> = told_of(&ranked).into_iter().map(str::to_owned).collect();
    let shown = Panel::of(folder, &read).map_err(|none| none_kept(none, unreadable));
    let galleries = shown.and_then(|seen| {
        let labels = seen.answers.first().map_or(&[][..], |own| &own.labels);
        let found = Found::of(ranked.iter().filter_map(|name| seen.named(name)).collect());
        let spec = spec.map_err(|error| error.to_string())?;
        let images = test_images(&spec.data, data, labels, &found.places());
        let (pixels, names) = images.map_err(|error| error.to_string())?;
        Ok(found.galleries(&pixels, &names))
    });
    match galleries {
        Ok(galleries) => (Some(told), galleries),
        Err(error) => {
            let about = format!("The images are not shown: {error}");
            let (title, pictures) = ("The test images".into(), Vec::new());
            (Some(told), vec![Gallery { title, about, pictures }])
        }
    }
}

/// The experiments, the one whose runs have most images right first.
fn ranked(answers: &[Tally]) -> Vec<&str> {
    let mut ranked: Vec<(f64, &str)> = answers
        .iter()
        .map(|own| (mean(&own.top1()).unwrap_or(0.0), own.experiment.as_str()))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// Those whose mistakes are shown, and the last, with which the first is compared.
fn told_of<'a>(ranked: &[&'a str]) -> Vec<&'a str> {
    let last = ranked.last().filter(|_| ranked.len() > MISTAKEN);
    ranked.iter().take(MISTAKEN).chain(last).copied().collect()
}

/// Why nothing is told of classes and images.
fn none_kept(none: NoAnswers, unreadable: &mut Vec<Unreadable>) -> String {
    let faults = match none {
        NoAnswers::NoPredictions { unreadable, .. } => unreadable,
        NoAnswers::Asked(_) => Vec::new(),
    };
    let why = match faults.iter().any(|fault| fault.path.ends_with(RunFile::Predictions.name())) {
        true => "no predictions can be read",
        false => "no run that ended well kept its predictions",
    };
    unreadable
        .extend(faults.into_iter().filter(|fault| !unreadable.contains(fault)).collect::<Vec<_>>());
    format!("{why}: nothing is told of classes and images")
}

/// The hardest images of the best experiments, and those on which the best and the worst disagree.
struct Found<'a> {
    hardest: Vec<(&'a Answers, Vec<Opinion>)>,
    apart: Option<(&'a Answers, &'a Answers, Vec<Disagreement>)>,
}

impl<'a> Found<'a> {
    /// Of experiments, the best of which comes first.
    fn of(ranked: Vec<&'a Answers>) -> Self {
        let hardest = ranked.iter().take(MISTAKEN).map(|own| (*own, hardest(own))).collect();
        let apart = match ranked[..] {
            [best, .., worst] => {
                Some((best, worst, disagreements(best, worst, SHARE).unwrap_or_default()))
            }
            _ => None,
        };
        Self { hardest, apart }
    }

    /// The places of the images that are shown.
    fn places(&self) -> Vec<u32> {
        let hard = self.hardest.iter().flat_map(|(_, all)| all.iter().take(SHOWN));
        let apart = self.apart.iter().flat_map(|(.., all)| all.iter().take(SHOWN));
        hard.map(|it| it.image).chain(apart.map(|it| it.first.image)).collect()
    }

    fn galleries(&self, pixels: &Images, names: &[String]) -> Vec<Gallery> {
        let hard = self.hardest.iter().map(|(own, all)| mistakes(own, all, pixels, names));
        let apart = self.apart.iter().map(|found| disagreement(found, pixels, names));
        hard.chain(apart).collect()
    }
}

fn mistakes(own: &Answers, all: &[Opinion], pixels: &Images, names: &[String]) -> Gallery {
    let said = |it: &Opinion| {
        format!("taken for {} ({} of {} runs)", class_name(names, it.said), it.said_by, it.n)
    };
    let pictures = all.iter().take(SHOWN).map(|it| picture(it, said(it), pixels, names));
    Gallery {
        title: format!("The worst mistakes of {}", own.experiment),
        about: format!(
            "{} of {} test images are wrong in most of its runs; these with the highest loss.",
            all.len(),
            own.labels.len()
        ),
        pictures: pictures.collect(),
    }
}

fn disagreement(
    (best, worst, all): &(&Answers, &Answers, Vec<Disagreement>),
    pixels: &Images,
    names: &[String],
) -> Gallery {
    let (best, worst) = (&best.experiment, &worst.experiment);
    let says = |it: &Opinion| class_name(names, it.said);
    let said =
        |it: &Disagreement| format!("{best}: {}; {worst}: {}", says(&it.first), says(&it.second));
    let pictures = all.iter().take(SHOWN).map(|it| picture(&it.first, said(it), pixels, names));
    Gallery {
        title: format!("Where {best} and {worst} disagree"),
        about: format!(
            "{} images that one has right in three quarters of its runs or more and the other wrong in as \
             many; of these {} that the first has right.",
            all.len(),
            all.iter().filter(|it| it.first_is_right()).count()
        ),
        pictures: pictures.collect(),
    }
}

fn picture(it: &Opinion, said: String, pixels: &Images, names: &[String]) -> Picture {
    Picture { png: png(pixels, it.image), class: class_name(names, it.label), said }
}

fn png(pixels: &Images, place: u32) -> Vec<u8> {
    let from = place as usize * IMAGE_BYTES;
    let own = pixels.pixels.get(from..from + IMAGE_BYTES).unwrap_or_default();
    image(own, SIDE).unwrap_or_default()
}
