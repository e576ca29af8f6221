//! From a paper to a dataset, a run that is watched, stopped and gone on with, and its adapter.

use anyhow::{Result, ensure};
use thirtyfour::prelude::*;

use super::{
    INTERVAL, QUICK, SLOW, add_sample, check_console, check_no_sideways_scrolling, picture,
    property, set_width, wait_for,
};

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/tiny_answerer.rs"]
pub(super) mod tiny_answerer;

/// Types into a field in place of what is there.
async fn type_in(driver: &WebDriver, css: &str, text: &str) -> Result<()> {
    let field = wait_for(driver, css, QUICK).await?;
    field.clear().await?;
    field.send_keys(text).await?;
    Ok(())
}

async fn click(driver: &WebDriver, css: &str) -> Result<()> {
    wait_for(driver, css, QUICK).await?.click().await?;
    Ok(())
}

/// Waits until an element says something; what it said before may have been something else.
async fn wait_for_text(driver: &WebDriver, css: &str, part: &str) -> Result<()> {
    let started = std::time::Instant::now();
    loop {
        let said = match driver.query(By::Css(css)).nowait().first_opt().await? {
            // It may be gone before it is read.
            Some(element) => property(&element, "textContent").await.unwrap_or_default(),
            None => String::new(),
        };
        if said.contains(part) {
            return Ok(());
        }
        ensure!(started.elapsed() < SLOW, "{css} says {said:?}, not {part}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Pictures at both widths, and nothing that has to be scrolled sideways.
async fn look(driver: &WebDriver, name: &str) -> Result<()> {
    picture(driver, &format!("{name}-wide")).await?;
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, name).await?;
    picture(driver, &format!("{name}-phone")).await?;
    set_width(driver, 1280).await
}

async fn make_dataset(driver: &WebDriver, home: &str) -> Result<()> {
    driver.goto(format!("{home}/training")).await?;
    look(driver, "training-empty").await?;
    type_in(driver, "#dataset-form [name='name']", "papers").await?;
    type_in(driver, "#dataset-form [name='generate']", "24").await?;
    // Bytes are the tokens of the tiny model.
    type_in(driver, "#dataset-form [name='max_tokens']", "4000").await?;
    click(driver, "#dataset-form [type='submit']").await?;
    let card = wait_for(driver, ".dataset-delete[data-name='papers']", SLOW).await?;
    ensure!(property(&card, "textContent").await? == "Delete");
    Ok(())
}

async fn start_run(driver: &WebDriver) -> Result<()> {
    type_in(driver, "#run-form [name='name']", "page").await?;
    type_in(driver, "#run-form [name='epochs']", "400").await?;
    click(driver, "#run-form details summary").await?;
    type_in(driver, "#run-form [name='max_length']", "4000").await?;
    type_in(driver, "#run-form [name='batch_size']", "1").await?;
    let others = "#run-form [name='others']";
    type_in(driver, others, "gradient_accumulation = 1\nrank = nothing").await?;
    // The longest that is allowed unless told otherwise is less than any prompt of bytes.
    wait_for_text(driver, "#run-estimate .notice-error", "rank").await?;
    type_in(
        driver,
        others,
        "gradient_accumulation = 1\ncheckpoint_steps = 5",
    )
    .await?;
    wait_for(driver, "#run-estimate strong", SLOW).await?;
    look(driver, "training-form").await?;
    click(driver, "#run-start").await?;
    wait_for(driver, ".run-panel[data-state='running']", SLOW).await?;
    wait_for(driver, ".run-panel .curve-train", SLOW).await?;
    look(driver, "training-running").await
}

pub(super) async fn visit(
    driver: WebDriver,
    home: String,
    sample: std::path::PathBuf,
) -> Result<()> {
    driver.goto(format!("{home}/library")).await?;
    add_sample(&driver, &sample).await?;
    make_dataset(&driver, &home).await?;
    start_run(&driver).await?;

    click(&driver, ".run-stop").await?;
    wait_for(
        &driver,
        ".run-panel[data-state='stopped'] .run-resume",
        SLOW,
    )
    .await?;
    look(&driver, "training-stopped").await?;
    click(&driver, ".run-resume").await?;
    wait_for(&driver, ".run-panel[data-state='running']", SLOW).await?;
    click(&driver, ".run-stop").await?;
    // The page has been loaded again: another run can be started.
    wait_for(&driver, "#run-start:not([disabled])", SLOW).await?;

    // The run has a page of its own.
    click(&driver, ".run-panel h2 a").await?;
    wait_for(&driver, ".training-table code", QUICK).await?;
    look(&driver, "training-run").await?;

    // A short one comes to its end, and leaves an adapter.
    driver.goto(format!("{home}/training")).await?;
    type_in(&driver, "#run-form [name='name']", "short").await?;
    type_in(&driver, "#run-form [name='epochs']", "1").await?;
    click(&driver, "#run-form details summary").await?;
    type_in(&driver, "#run-form [name='max_length']", "4000").await?;
    type_in(&driver, "#run-form [name='max_steps']", "3").await?;
    click(&driver, "#run-start").await?;
    wait_for(&driver, ".run-panel[data-state='finished']", SLOW).await?;
    wait_for(&driver, "[aria-labelledby='adapters-heading'] h3 a", SLOW).await?;
    look(&driver, "training-finished").await?;

    click(&driver, ".run-delete").await?;
    click(&driver, ".run-delete[data-asked='yes']").await?;
    wait_for(&driver, ".run-panel[data-state='stopped']", QUICK).await?;
    click(&driver, ".dataset-delete").await?;
    click(&driver, ".dataset-delete[data-asked='yes']").await?;
    wait_for(&driver, "#datasets-heading + .empty-note", QUICK).await?;
    check_console(&driver).await
}
