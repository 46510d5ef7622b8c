//! What an experiment is, written down: its hash, and its spec with every file in place.

use std::rc::Rc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::teacher::Teacher;
use crate::plan::Plan;
use crate::saved::hex;
use crate::spec::data::Data;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;
use crate::spec::params::Params;
use crate::spec::train::Train;
use crate::spec::tree::{Field, Tree, Value};

/// The version of the arithmetic. It is raised whenever the same spec with the same seed gives other
/// numbers than before beyond rounding that the device brings, by a kernel, an initial weight or a
/// draw: runs of before are then other runs, and are trained again beside the new ones.
const NUMERICS: u32 = 1;

/// The hash of what determines a run beside its seed. Comments, file names and the way in which a
/// network is written do not count; defaults do. A default that hangs on other fields, such as the
/// padding of a convolution, does not equal the same number written out. Of a teacher its weights
/// count, not its name.
pub(super) fn identity(
    plan: &Plan,
    data: &Data,
    train: &Train,
    teacher: Option<&Result<Rc<Teacher>, SpecError>>,
) -> Result<String, SpecError> {
    #[derive(Serialize)]
    struct Identity<'a> {
        numerics: u32,
        plan: &'a Plan,
        data: &'a Data,
        train: &'a Train,
        #[serde(skip_serializing_if = "Option::is_none")]
        teacher: Option<&'a str>,
    }
    let teacher = teacher.map(|it| it.as_ref().map_or("absent", |teacher| teacher.hash.as_str()));
    let train = &nameless(train);
    let text = ron::to_string(&Identity { numerics: NUMERICS, plan, data, train, teacher })
        .map_err(|error| SpecError::new(Problem::Custom(error.to_string())))?;
    Ok(hex(&Sha256::digest(text)))
}

/// The recipe without the name of its teacher.
fn nameless(train: &Train) -> Train {
    let mut train = train.clone();
    if let Some(distill) = &mut train.distill {
        distill.teacher = Default::default();
    }
    train
}

/// The sweep with one network, all files and values of axes in place. `sweep` has the other fields;
/// `train` is the recipe.
pub(super) fn resolved(
    loader: &Loader,
    sweep: &Tree,
    train: &Rc<Tree>,
    name: &str,
    (network, with): (&Rc<Tree>, &Params),
) -> String {
    let at = sweep.span;
    let make = |value| Rc::new(Tree { value, span: at });
    let field = |name: &str, tree| Field { name: name.into(), span: at, tree };
    let params = with.0.iter().map(|param| field(&param.name, make(param.value.into()))).collect();
    let entry = Value::Struct(
        None,
        vec![
            field("name", make(Value::Str(name.into()))),
            field("network", inline(loader, network)),
            field("with", make(Value::Map(params))),
        ],
    );
    let mut fields = vec![field("networks", make(Value::List(vec![make(entry)])))];
    fields.extend(sweep.fields().iter().map(|other| match other.name.as_str() {
        "train" => field("train", Rc::clone(train)),
        _ => other.clone(),
    }));
    make(Value::Struct(Some("Sweep".into()), fields)).to_ron() + "\n"
}

/// The tree with the files that it includes in their places.
pub(crate) fn inline(loader: &Loader, tree: &Rc<Tree>) -> Rc<Tree> {
    match &tree.value {
        Value::Str(_) => match loader.included(tree.span) {
            Some(file) => inline(loader, &file),
            None => Rc::clone(tree),
        },
        _ => tree.map(&|inner| inline(loader, inner)),
    }
}
