//! What is needed to go on exactly where a run was killed.
//!
//! A checkpoint is a folder: the trained weights, the optimizer's moments, and the state of the run
//! (step, place in the data, what is usual, the best so far). It is written beside its place and has
//! its name only once all of it is on disk, so that whatever has a name is whole. Random numbers need
//! no state: they are functions of the seed and the step.

use std::io;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::batch::Position;
use crate::files::{self, Array, Create, Numbers};
use crate::guard::Guard;
use crate::optimizer::AdamW;
use crate::{Error, Result};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
const PREFIX: &str = "step-";

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Steps taken.
    pub step: usize,
    /// The next batch.
    pub position: Position,
    /// What is usual.
    pub guard: Guard,
    /// Evaluations with the lowest loss, lowest first, as many as are kept.
    pub best: Vec<Best>,
    /// The step after which the last evaluation was made.
    pub evaluated: Option<usize>,
    /// Evaluations since the lowest loss.
    pub stale: usize,
    /// Loss per token of the last step.
    pub loss: f64,
    /// Tokens run through the model, all passes together.
    pub tokens: u64,
    /// Time spent, in seconds.
    pub seconds: f64,
}

/// An evaluation whose checkpoint is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step after which it was made.
    pub step: usize,
    /// Its loss per token, in nats.
    pub loss: f64,
}

/// The checkpoints of a run.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those in `folder`, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of a step's checkpoint.
    pub fn of(&self, step: usize) -> PathBuf {
        self.folder.join(format!("{PREFIX}{step:08}"))
    }

    /// Steps that have a checkpoint, in order.
    pub fn steps(&self) -> Vec<usize> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut steps: Vec<usize> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                name.to_str()?.strip_prefix(PREFIX)?.parse().ok()
            })
            .collect();
        steps.sort_unstable();
        steps
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written; those that are there are left as they are.
    pub fn save(
        &self,
        state: &State,
        variables: &[(String, Var)],
        optimizer: &AdamW,
    ) -> Result<PathBuf> {
        self.save_by(&files::create, state, variables, optimizer)
    }

    fn save_by(
        &self,
        create: Create<'_>,
        state: &State,
        variables: &[(String, Var)],
        optimizer: &AdamW,
    ) -> Result<PathBuf> {
        let place = self.of(state.step);
        let part = files::beside(&place);
        let written = write(create, &part, state, variables, optimizer).and_then(|()| {
            if place.exists() {
                // The same step again: a run that was stopped right after it.
                std::fs::remove_dir_all(&place)?;
            }
            std::fs::rename(&part, &place)?;
            files::sync_folder_of(&place)
        });
        if let Err(error) = written {
            // Room for the next try; that it cannot be removed is no second error.
            let _ = std::fs::remove_dir_all(&part);
            return Err(Error::unwritable(&place, &error));
        }
        Ok(place)
    }

    /// Puts the newest checkpoint into `variables` and `optimizer`; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Run`] where it is damaged or of another run.
    pub fn restore(
        &self,
        variables: &[(String, Var)],
        optimizer: &mut AdamW,
    ) -> Result<Option<State>> {
        let Some(step) = self.steps().pop() else {
            return Ok(None);
        };
        let place = self.of(step);
        let damaged = |reason: String| {
            Error::run(
                &place,
                format!("{reason}; hint: delete this folder to go on from the one before it"),
            )
        };
        let text = std::fs::read_to_string(place.join(STATE))
            .map_err(|error| damaged(format!("{STATE}: {error}")))?;
        let state: State =
            serde_json::from_str(&text).map_err(|error| damaged(format!("{STATE}: {error}")))?;
        let mut arrays = files::read_arrays(&place.join(OPTIMIZER))
            .map_err(|error| damaged(format!("{OPTIMIZER}: {error}")))?;
        let mut moments = Vec::with_capacity(variables.len());
        for (name, variable) in variables {
            let mut take = |which: &str| {
                arrays
                    .remove(&format!("{name}.{which}"))
                    .filter(|values| values.len() == variable.elem_count())
                    .ok_or_else(|| {
                        damaged(format!("{OPTIMIZER} has no {which} moments for {name}"))
                    })
            };
            moments.push(crate::optimizer::Moments {
                first: take("first")?,
                second: take("second")?,
            });
        }
        self.restore_weights(step, variables)?;
        optimizer.moments = moments;
        optimizer.steps = state.step;
        Ok(Some(state))
    }

    /// Puts the weights of a step's checkpoint into `variables`.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn restore_weights(&self, step: usize, variables: &[(String, Var)]) -> Result<()> {
        let place = self.of(step);
        let damaged = |reason: String| {
            Error::run(
                &place,
                format!("{WEIGHTS}: {reason}; hint: delete this folder to go on without it"),
            )
        };
        let mut arrays = files::read_arrays(&place.join(WEIGHTS)).map_err(damaged)?;
        for (name, variable) in variables {
            let values = arrays
                .remove(name)
                .filter(|values| values.len() == variable.elem_count())
                .ok_or_else(|| damaged(format!("it has no weights of this shape for {name}")))?;
            variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// Removes all but the newest and those in `kept`.
    ///
    /// # Errors
    /// [`Error::Run`] where one cannot be removed.
    pub fn prune(&self, kept: &[Best]) -> Result<()> {
        let mut steps = self.steps();
        steps.pop();
        for step in steps {
            if !kept.iter().any(|best| best.step == step) {
                let place = self.of(step);
                std::fs::remove_dir_all(&place)
                    .map_err(|error| Error::unwritable(&place, &error))?;
            }
        }
        Ok(())
    }
}

fn write(
    create: Create<'_>,
    part: &Path,
    state: &State,
    variables: &[(String, Var)],
    optimizer: &AdamW,
) -> io::Result<()> {
    // What a killed run left of one.
    if part.exists() {
        std::fs::remove_dir_all(part)?;
    }
    std::fs::create_dir_all(part)?;
    let weights: Vec<Array<'_>> = variables
        .iter()
        .map(|(name, variable)| Array {
            name: name.clone(),
            shape: variable.dims().to_vec(),
            numbers: Numbers::Tensor(variable),
        })
        .collect();
    let moments: Vec<Array<'_>> = variables
        .iter()
        .zip(&optimizer.moments)
        .flat_map(|((name, variable), moments)| {
            [("first", &moments.first), ("second", &moments.second)].map(|(which, values)| Array {
                name: format!("{name}.{which}"),
                shape: variable.dims().to_vec(),
                numbers: Numbers::Slice(values),
            })
        })
        .collect();
    for (name, arrays) in [(WEIGHTS, &weights), (OPTIMIZER, &moments)] {
        files::write_synced(&part.join(name), create, |out| {
            files::write_arrays(out, arrays)
        })?;
    }
    let state = serde_json::to_vec_pretty(state)?;
    files::write_synced(&part.join(STATE), create, |out| out.write_all(&state))?;
    std::fs::File::open(part)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Write;
    use std::rc::Rc;

    use super::*;
    use crate::config::{Recipe, TrainConfig};

    /// A disk with so much room.
    struct Full {
        file: std::fs::File,
        room: Rc<Cell<usize>>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room.get());
            if taken == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room.set(self.room.get() - taken);
            self.file.write(&bytes[..taken])
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    fn variables(value: f32) -> Vec<(String, Var)> {
        let tensor = |shape: &[usize]| Tensor::full(value, shape, &Device::Cpu).unwrap();
        [("a", tensor(&[3, 4])), ("b", tensor(&[5]))]
            .map(|(name, tensor)| (name.to_owned(), Var::from_tensor(&tensor).unwrap()))
            .to_vec()
    }

    fn optimizer(variables: &[(String, Var)], value: f32) -> AdamW {
        let mut optimizer = AdamW::new(&TrainConfig::new(Recipe::Lora), variables);
        for moments in &mut optimizer.moments {
            moments.first.fill(value);
            moments.second.fill(value + 0.5);
        }
        optimizer
    }

    fn state(step: usize) -> State {
        State {
            step,
            loss: 1.0 / 3.0,
            ..State::default()
        }
    }

    fn first_of(variables: &[(String, Var)]) -> f32 {
        variables[0]
            .1
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()[0]
    }

    #[test]
    fn what_was_saved_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().join("checkpoints"));
        let (target, mut restored) = (variables(0.0), optimizer(&variables(0.0), 0.0));
        assert_eq!(checkpoints.restore(&target, &mut restored).unwrap(), None);
        for step in [5, 10] {
            let saved = variables(step as f32 / 3.0);
            checkpoints
                .save(&state(step), &saved, &optimizer(&saved, 0.1))
                .unwrap();
        }
        let found = checkpoints.restore(&target, &mut restored).unwrap();
        assert_eq!(found, Some(state(10)));
        assert_eq!(first_of(&target), 10.0 / 3.0);
        assert_eq!(restored.moments, optimizer(&target, 0.1).moments);
        assert_eq!(restored.steps, 10);
        checkpoints.restore_weights(5, &target).unwrap();
        assert_eq!(first_of(&target), 5.0 / 3.0);
    }

    #[test]
    fn a_disk_that_fills_at_any_byte_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().to_owned());
        let saved = variables(1.0);
        let place = checkpoints
            .save(&state(1), &saved, &optimizer(&saved, 0.1))
            .unwrap();
        let size: u64 = std::fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        let (target, mut restored) = (variables(0.0), optimizer(&saved, 0.0));
        for room in (0..size as usize).step_by(7) {
            let room = Rc::new(Cell::new(room));
            let create = |path: &Path| -> io::Result<Box<dyn Write>> {
                let (file, room) = (std::fs::File::create(path)?, room.clone());
                Ok(Box::new(Full { file, room }))
            };
            let new = variables(2.0);
            let error = checkpoints
                .save_by(&create, &state(2), &new, &optimizer(&new, 0.2))
                .unwrap_err();
            assert!(error.to_string().contains("hint: check the free space"));
            assert_eq!(checkpoints.steps(), [1]);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            let found = checkpoints.restore(&target, &mut restored).unwrap();
            assert_eq!((found, first_of(&target)), (Some(state(1)), 1.0));
        }
    }

    #[test]
    fn a_kill_at_any_byte_leaves_the_old_one_and_the_next_save_works() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().to_owned());
        let saved = variables(1.0);
        checkpoints
            .save(&state(1), &saved, &optimizer(&saved, 0.1))
            .unwrap();
        let (target, mut restored) = (variables(0.0), optimizer(&saved, 0.0));
        let new = variables(2.0);
        for room in (0..1500).step_by(100) {
            let room = Rc::new(Cell::new(room));
            let create = |path: &Path| -> io::Result<Box<dyn Write>> {
                let (file, room) = (std::fs::File::create(path)?, room.clone());
                Ok(Box::new(Full { file, room }))
            };
            // Nothing is cleaned up after a kill.
            let part = files::beside(&checkpoints.of(2));
            let _ = write(&create, &part, &state(2), &new, &optimizer(&new, 0.2));
            assert_eq!(checkpoints.steps(), [1]);
            let found = checkpoints.restore(&target, &mut restored).unwrap();
            assert_eq!((found, first_of(&target)), (Some(state(1)), 1.0));
        }
        checkpoints
            .save(&state(2), &new, &optimizer(&new, 0.2))
            .unwrap();
        checkpoints.restore(&target, &mut restored).unwrap();
        assert_eq!(first_of(&target), 2.0);
    }

    #[test]
    fn the_best_and_the_newest_are_kept_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().to_owned());
        let saved = variables(1.0);
        let mut optimizer = optimizer(&saved, 0.1);
        for step in [1, 2, 3, 4] {
            checkpoints.save(&state(step), &saved, &optimizer).unwrap();
        }
        checkpoints.prune(&[Best { step: 2, loss: 0.5 }]).unwrap();
        assert_eq!(checkpoints.steps(), [2, 4]);

        let other = variables(1.0)[..1].to_vec();
        let renamed = vec![("c".to_owned(), other[0].1.clone())];
        let error = checkpoints.restore(&renamed, &mut optimizer).unwrap_err();
        assert!(
            error.to_string().contains("no first moments for c"),
            "{error}"
        );
        std::fs::write(checkpoints.of(4).join(WEIGHTS), b"nonsense").unwrap();
        let error = checkpoints.restore(&saved, &mut optimizer).unwrap_err();
        assert!(error.to_string().contains("hint: delete"), "{error}");
    }
}
