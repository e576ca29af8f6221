//! The web pages as a person uses them: a real Chromium, driven through chromedriver, against a
//! real `lectern serve`.
//!
//! Where no Chromium or chromedriver is found on `PATH` the test says so and passes, unless
//! `LECTERN_REQUIRE_BROWSER=1`. Nothing here waits for a fixed time: each step waits for what it
//! needs, for as long as an unoptimised model may take on a slow machine.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel, testing::run_browser_test};

#[path = "browser/training.rs"]
mod training;

const QUESTION: &str = "What constant k does reciprocal rank fusion use?";
const SAMPLE: &str = "hybrid-retrieval.pdf";

/// For whatever a model or its download takes part in.
const SLOW: Duration = Duration::from_secs(180);
/// For the browser and the pages themselves.
const QUICK: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(200);

/// A child process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts `command` and waits for the line of its stdout in which `find` sees what it looks for.
    fn start<T: Send + 'static>(
        mut command: Command,
        patience: Duration,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> Result<(Self, T)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let process = Self(child);
        let (found, wait) = mpsc::channel();
        // Reads to the end, so that the child never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(value) = find(&line) {
                    let _ = found.send(value);
                }
            }
        });
        let value = wait
            .recv_timeout(patience)
            .with_context(|| format!("{name} did not say where it listens"))?;
        Ok((process, value))
    }
}

fn start_lectern(data_dir: &Path, models: Option<&Path>) -> Result<(Process, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command
        .args(["serve", "--addr", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir);
    if let Some(models) = models {
        command.env("LECTERN_MODELS_DIR", models);
        command.env("LECTERN_TRAINING_PRIORITY", "normal");
        // The one that comes with Lectern is for the model whose place a tiny one takes.
        command.env("LECTERN_ANSWER_ADAPTER", "none");
    }
    Process::start(command, SLOW, |line| {
        Some(line.strip_prefix("listening on ")?.trim().to_owned())
    })
}

fn start_chromedriver(program: &Path) -> Result<(Process, String)> {
    let mut command = Command::new(program);
    command.arg("--port=0");
    Process::start(command, QUICK, |line| {
        let port = line.split("successfully on port ").nth(1)?;
        let port: u16 = port.trim_end_matches('.').parse().ok()?;
        Some(format!("http://127.0.0.1:{port}"))
    })
}

/// The first of these programs that `PATH` has.
fn on_path(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    })
}

fn capabilities(browser: &Path, profile: &Path) -> WebDriverResult<ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(&browser.to_string_lossy())?;
    for argument in [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
    ] {
        capabilities.add_arg(argument)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(capabilities)
}

/// Waits for the first element that matches.
async fn wait_for(driver: &WebDriver, css: &str, patience: Duration) -> Result<WebElement> {
    driver
        .query(By::Css(css))
        .wait(patience, INTERVAL)
        .first()
        .await
        .with_context(|| format!("waiting for {css}"))
}

/// An attribute or property that must be there.
async fn property(element: &WebElement, name: &str) -> Result<String> {
    element
        .prop(name)
        .await?
        .with_context(|| format!("the element has no {name}"))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn check_no_sideways_scrolling(driver: &WebDriver, page: &str) -> Result<()> {
    let widths = driver
        .execute(
            "const page = document.documentElement; return [page.scrollWidth, page.clientWidth];",
            vec![],
        )
        .await?;
    let (content, window): (u32, u32) = widths.convert()?;
    ensure!(
        content <= window,
        "{page} is {content} px wide in a window of {window} px"
    );
    Ok(())
}

/// Makes the window as wide as a phone, say, and checks that it is: browsers have a least width.
async fn set_width(driver: &WebDriver, width: u32) -> Result<()> {
    driver.set_window_rect(0, 0, width, 844).await?;
    let inner = driver.execute("return innerWidth", vec![]).await?;
    let inner: u32 = inner.convert()?;
    ensure!(
        inner <= width,
        "the window is {inner} px wide, {width} px were asked for"
    );
    Ok(())
}

/// Adds the sample through the file input and waits until it is in the list.
async fn add_sample(driver: &WebDriver, sample: &Path) -> Result<()> {
    let input = wait_for(driver, "#file-input", QUICK).await?;
    input.send_keys(sample.to_string_lossy().as_ref()).await?;
    let result = wait_for(driver, ".job-result[data-status]", SLOW).await?;
    let status = result.attr("data-status").await?.unwrap_or_default();
    let said = property(&result, "textContent").await?;
    ensure!(status == "added", "the job ended as {status}: {said}");
    let row = wait_for(driver, ".document-row", QUICK).await?;
    let listed = property(&row, "textContent").await?;
    ensure!(listed.contains(SAMPLE), "the library lists {listed}");
    Ok(())
}

async fn ask(driver: &WebDriver, home: &str) -> Result<()> {
    driver.goto(home).await?;
    let question = wait_for(driver, "#question", QUICK).await?;
    question.send_keys(QUESTION).await?;
    driver.find(By::Id("ask-button")).await?.click().await?;
    let ended = "#answer[data-state='done'], #answer[data-state='error']";
    let answer = wait_for(driver, ended, SLOW).await?;
    let state = answer.attr("data-state").await?.unwrap_or_default();
    let said = property(&answer, "textContent").await?;
    ensure!(state == "done", "asking ended in an error: {said}");
    let sources = driver.find_all(By::ClassName("source")).await?;
    ensure!(!sources.is_empty(), "no source is shown for: {said}");
    let sentences = driver.find_all(By::ClassName("sentence")).await?;
    ensure!(!sentences.is_empty(), "no sentence is shown");
    Ok(())
}

/// A question that leans on the one before, in the conversation that it began.
async fn follow_up(driver: &WebDriver) -> Result<()> {
    let address = driver.current_url().await?;
    ensure!(
        address.path().starts_with("/conversations/"),
        "the conversation has an address: {address}"
    );
    let question = driver.find(By::Id("question")).await?;
    ensure!(property(&question, "value").await?.is_empty());
    question.send_keys("And why?").await?;
    driver.find(By::Id("ask-button")).await?.click().await?;
    let searched = wait_for(driver, "#turn-2 .searched-for", SLOW).await?;
    let searched = property(&searched, "textContent").await?;
    ensure!(
        words(&searched)
            == "Searched for: What constant k does reciprocal rank fusion use, and why?",
        "{searched}"
    );
    driver.refresh().await?;
    wait_for(driver, "#turn-1 .source", QUICK)
        .await
        .context("reloading keeps the first answer")?;
    wait_for(driver, "#turn-2 .searched-for", QUICK).await?;
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, "a conversation").await?;
    set_width(driver, 1280).await?;
    Ok(())
}

/// Saves a picture of the page where `LECTERN_SCREENSHOTS` names a folder for people to look at.
async fn picture(driver: &WebDriver, name: &str) -> Result<()> {
    if let Some(folder) = std::env::var_os("LECTERN_SCREENSHOTS") {
        driver
            .screenshot(&Path::new(&folder).join(format!("{name}.png")))
            .await?;
    }
    Ok(())
}

/// Waits until an element has this attribute.
async fn wait_until(driver: &WebDriver, css: &str, what: &str) -> Result<WebElement> {
    wait_for(driver, css, QUICK)
        .await
        .with_context(|| what.to_owned())
}

/// Says what is wrong of an answer with the keyboard and the mouse, and approves the correction.
async fn feedback(driver: &WebDriver, home: &str) -> Result<()> {
    let conversation = driver.current_url().await?;
    let down = wait_for(driver, "#turn-1 .thumb[data-thumbs='down']", QUICK).await?;
    down.send_keys(Key::Enter + "").await?;
    let first = "#turn-1 .thumb[data-thumbs='down'][aria-pressed='true']";
    wait_until(driver, first, "thumbs down is kept").await?;
    wait_until(
        driver,
        "#turn-1 .feedback-form:not([hidden]) [name='tag']",
        "the form unfolds",
    )
    .await?
    .click()
    .await?;
    let correction = driver.find(By::Css("#turn-1 [name='correction']")).await?;
    correction
        .send_keys("It uses a constant k of 60 [1].")
        .await?;
    picture(driver, "feedback-wide").await?;
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, "an answer with its feedback").await?;
    picture(driver, "feedback-phone").await?;
    set_width(driver, 1280).await?;
    driver
        .find(By::Css("#turn-1 .feedback-form [type='submit']"))
        .await?
        .click()
        .await?;
    wait_until(
        driver,
        "#turn-1 .feedback-form[hidden]",
        "the form is saved",
    )
    .await?;
    let right = "#turn-1 .source-mark[data-right='true']";
    wait_for(driver, right, QUICK).await?.click().await?;
    let status = "#turn-1 .source-mark[data-right='true'][aria-pressed='true']";
    wait_until(driver, status, "the mark is shown").await?;

    driver.goto(format!("{home}/feedback")).await?;
    let text = wait_for(driver, ".review-card [name='edited']", QUICK).await?;
    ensure!(property(&text, "value").await? == "It uses a constant k of 60 [1].");
    let badges = driver.find(By::Css(".review-facts")).await?.text().await?;
    ensure!(
        badges.contains("Bad answer") && badges.contains("It is wrong"),
        "{badges}"
    );
    picture(driver, "review-wide").await?;
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, "the review queue").await?;
    picture(driver, "review-phone").await?;
    set_width(driver, 1280).await?;
    text.send_keys(" Others use 10.").await?;
    driver
        .find(By::Css(".review-approve"))
        .await?
        .click()
        .await?;
    wait_until(driver, "#review-empty:not([hidden])", "the queue is empty").await?;
    let tab = driver
        .find(By::Css(".tab-count[data-state='approved']"))
        .await?;
    ensure!(property(&tab, "textContent").await? == "1");
    driver
        .goto(format!("{home}/feedback?state=approved"))
        .await?;
    let text = wait_for(driver, ".review-card [name='edited']", QUICK).await?;
    let learnt = property(&text, "value").await?;
    ensure!(
        learnt == "It uses a constant k of 60 [1]. Others use 10.",
        "{learnt}"
    );

    driver.goto(conversation.as_str()).await?;
    wait_until(driver, first, "the page knows what was said").await?;
    let state = driver
        .find(By::Css("#turn-1 .feedback-status"))
        .await?
        .text()
        .await?;
    ensure!(state == "Approved for training", "{state}");
    driver
        .find(By::Css("#turn-1 .feedback-more"))
        .await?
        .click()
        .await?;
    let back = wait_for(
        driver,
        "#turn-1 .feedback-form:not([hidden]) .feedback-withdraw",
        QUICK,
    );
    back.await?.click().await?;
    wait_until(
        driver,
        "#turn-1 .feedback[data-feedback='']",
        "it is taken back",
    )
    .await?;
    Ok(())
}

/// The conversation is listed, renamed and deleted.
async fn keep_house(driver: &WebDriver, home: &str) -> Result<()> {
    driver.goto(format!("{home}/conversations")).await?;
    let link = wait_for(driver, ".conversation-link", QUICK).await?;
    ensure!(property(&link, "textContent").await? == QUESTION);
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, "the list of conversations").await?;
    set_width(driver, 1280).await?;
    driver
        .find(By::Css(".conversation-link"))
        .await?
        .click()
        .await?;

    wait_for(driver, ".menu summary", QUICK)
        .await?
        .click()
        .await?;
    driver.find(By::Id("rename-button")).await?.click().await?;
    let title = wait_for(driver, "#rename-dialog[open] #rename-title", QUICK).await?;
    title.clear().await?;
    title.send_keys("About fusion").await?;
    driver.find(By::Id("rename-confirm")).await?.click().await?;
    driver
        .query(By::Id("conversation-title"))
        .with_text("About fusion")
        .wait(QUICK, INTERVAL)
        .first()
        .await
        .context("the new title is shown")?;

    driver.goto(format!("{home}/conversations")).await?;
    wait_for(driver, ".conversation-forget", QUICK)
        .await?
        .click()
        .await?;
    let dialog = wait_for(driver, "#forget-dialog[open]", QUICK).await?;
    let asked = property(&dialog, "textContent").await?;
    ensure!(asked.contains("About fusion"), "the dialog asks: {asked}");
    driver.find(By::Id("forget-confirm")).await?.click().await?;
    wait_for(driver, "#conversations-empty:not([hidden])", QUICK).await?;
    Ok(())
}

/// From a source card to the page it cites, where its quote is marked, and back.
async fn follow_source(driver: &WebDriver) -> Result<()> {
    let card = driver.find(By::ClassName("source")).await?;
    let quote = card.find(By::ClassName("source-quote")).await?;
    let quote = words(&property(&quote, "textContent").await?);
    let link = card.find(By::ClassName("source-page")).await?;
    let label = property(&link, "textContent").await?;
    let number = label
        .strip_prefix("Page ")
        .context("the link names its page")?
        .to_owned();
    link.click().await?;

    let mark = wait_for(driver, ".page-text mark", QUICK).await?;
    let marked = words(&property(&mark, "textContent").await?);
    ensure!(
        marked == quote,
        "marked on the page: {marked:?}; quoted: {quote:?}"
    );
    wait_for(driver, ".page-image rect#quote", QUICK)
        .await
        .context("the quote is marked on the page as printed")?;
    let picture = driver.find(By::Css(".page-image img")).await?;
    let started = std::time::Instant::now();
    while picture.prop("naturalWidth").await?.as_deref() != Some("1400") {
        ensure!(started.elapsed() < QUICK, "the page's picture never came");
        tokio::time::sleep(INTERVAL).await;
    }
    let address = driver.current_url().await?;
    let page = address.path().rsplit('/').next().unwrap_or_default();
    ensure!(page == number, "{label} leads to {address}");
    let heading = driver.find(By::Tag("h1")).await?.text().await?;
    ensure!(
        heading.starts_with(&format!("Page {number} ")),
        "the page is headed {heading}"
    );

    driver
        .find(By::ClassName("back-to-answer"))
        .await?
        .click()
        .await?;
    wait_for(driver, ".source", QUICK)
        .await
        .context("the answer is shown again")?;
    Ok(())
}

/// From the search form to a passage that is marked on its page, at the width of a phone as well.
async fn search(driver: &WebDriver, home: &str) -> Result<()> {
    driver.goto(format!("{home}/search")).await?;
    let query = wait_for(driver, "#query", QUICK).await?;
    query.send_keys("fusion constant").await?;
    driver
        .find(By::Css(".search-line .button"))
        .await?
        .click()
        .await?;
    let mark = wait_for(driver, ".result-text mark", SLOW).await?;
    let word = property(&mark, "textContent").await?.to_lowercase();
    ensure!(
        ["fusion", "constant"]
            .iter()
            .any(|asked| word.contains(asked)),
        "{word} is marked"
    );
    set_width(driver, 390).await?;
    check_no_sideways_scrolling(driver, "the search page").await?;
    set_width(driver, 1280).await?;
    driver
        .find(By::Css(".search-results .source-title a"))
        .await?
        .click()
        .await?;
    wait_for(driver, ".page-image rect#quote", QUICK)
        .await
        .context("the passage is marked on its page")?;
    Ok(())
}

async fn delete_sample(driver: &WebDriver, home: &str) -> Result<()> {
    driver.goto(format!("{home}/library")).await?;
    wait_for(driver, ".document-delete", QUICK)
        .await?
        .click()
        .await?;
    let dialog = wait_for(driver, "#delete-dialog[open]", QUICK).await?;
    let asked = property(&dialog, "textContent").await?;
    ensure!(asked.contains(SAMPLE), "the dialog asks: {asked}");
    driver.find(By::Id("delete-confirm")).await?.click().await?;
    wait_for(driver, "#documents-empty:not([hidden])", QUICK).await?;

    driver.goto(home).await?;
    wait_for(driver, ".empty-state a[href='/library']", QUICK)
        .await
        .context("with the library empty, the ask page points there")?;
    Ok(())
}

/// Errors on the console would be scripts that failed or something the security policy stopped.
async fn check_console(driver: &WebDriver) -> Result<()> {
    let severe: Vec<String> = driver
        .browser_log()
        .await?
        .into_iter()
        .map(|entry| format!("{entry:?}"))
        .filter(|entry| entry.to_uppercase().contains("SEVERE"))
        // A run that cannot be trained is refused, which the browser takes for a failure to load.
        .filter(|entry| !entry.contains("/api/v1/training/estimate?"))
        .collect();
    ensure!(severe.is_empty(), "the console shows {severe:#?}");
    Ok(())
}

async fn visit(driver: WebDriver, home: String, sample: PathBuf) -> Result<()> {
    driver.goto(format!("{home}/library")).await?;
    add_sample(&driver, &sample).await?;
    ask(&driver, &home).await?;
    follow_source(&driver).await?;
    follow_up(&driver).await?;
    feedback(&driver, &home).await?;
    search(&driver, &home).await?;

    set_width(&driver, 390).await?;
    driver.goto(format!("{home}/library")).await?;
    wait_for(&driver, ".document-row", QUICK).await?;
    check_no_sideways_scrolling(&driver, "the library").await?;
    set_width(&driver, 1280).await?;

    keep_house(&driver, &home).await?;
    delete_sample(&driver, &home).await?;
    check_console(&driver).await
}

/// Has a browser of its own visit a Lectern of its own; skipped where there is no browser.
async fn with_browser<F, V>(models: Option<&Path>, visit: V) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
    V: FnOnce(WebDriver, String, PathBuf) -> F + Send,
{
    let browser = on_path(&[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]);
    let (Some(browser), Some(driver)) = (browser, on_path(&["chromedriver"])) else {
        let required = std::env::var("LECTERN_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
        ensure!(!required, "Chromium and chromedriver must be on PATH");
        eprintln!("skipped: Chromium and chromedriver are not both on PATH");
        return Ok(());
    };
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../samples")
        .join(SAMPLE)
        .canonicalize()
        .with_context(|| format!("samples/{SAMPLE}"))?;
    let folder = tempfile::tempdir()?;
    let (_lectern, home) = start_lectern(&folder.path().join("data"), models)?;
    let (_chromedriver, driver_address) = start_chromedriver(&driver)?;
    let session = WebDriver::builder(
        driver_address,
        capabilities(&browser, &folder.path().join("profile"))?,
    );
    run_browser_test(session, |driver| visit(driver, home, sample)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_added_asked_about_and_deleted() -> Result<()> {
    with_browser(None, visit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_is_made_and_trained_on() -> Result<()> {
    let models = training::tiny_answerer::models();
    with_browser(Some(models.path()), training::visit).await
}
