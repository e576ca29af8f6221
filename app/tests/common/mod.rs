//! What the tests share: a server on a free port with a data folder of its own, the command line,
//! and small PDFs. Models come from the machine's models folder and are fetched where missing.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use app::library::Library;
use app::settings::Settings;
use serde_json::Value;

/// The built binary.
pub(crate) const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

/// A sample paper of this repository.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../samples")
        .join(name)
}

/// Settings for a data folder; `changes` are further settings.
pub(crate) fn settings(folder: &Path, changes: &[(&'static str, &str)]) -> Settings {
    let mut flags = vec![("data_dir", folder.display().to_string())];
    flags.extend(
        changes
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned())),
    );
    let environment = std::env::vars().filter(|(name, _)| name == "LECTERN_MODELS_DIR");
    let settings =
        Settings::load(None, environment, &flags).expect("the test's settings are valid");
    Settings {
        reader_program: Some(LECTERN.into()),
        ..settings
    }
}

/// A server in this process.
pub(crate) struct TestApp {
    /// Its address, such as `http://127.0.0.1:4711`.
    pub(crate) url: String,
    /// Its library.
    pub(crate) library: Arc<Library>,
    /// Sends requests, follows no redirects.
    pub(crate) client: reqwest::Client,
    /// Its data folder, deleted on drop.
    pub(crate) folder: tempfile::TempDir,
    csrf: String,
}

/// Starts a server on a free port.
pub(crate) async fn spawn_app(changes: &[(&'static str, &str)]) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let mut changes = changes.to_vec();
    if !changes.iter().any(|(key, _)| *key == "addr") {
        changes.push(("addr", "127.0.0.1:0"));
    }
    let settings = settings(folder.path(), &changes);
    TestApp::on(folder, settings).await
}

impl TestApp {
    /// Starts a server on a data folder that may hold something already.
    pub(crate) async fn on(folder: tempfile::TempDir, settings: Settings) -> Self {
        let token = settings.token.clone().unwrap_or_default();
        let listener = app::web::bind(&settings).unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let library = Library::open(settings).await.unwrap();
        tokio::spawn(app::web::serve(library.clone(), listener).unwrap());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let session = client
            .get(format!("{url}/api/v1/session"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        let session: Value = session.json().await.unwrap();
        let csrf = session["csrf_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Self {
            url,
            library,
            client,
            folder,
            csrf,
        }
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .header("X-CSRF-Token", &self.csrf)
    }

    pub(crate) fn patch(&self, path: &str) -> reqwest::RequestBuilder {
        self.client
            .patch(format!("{}{path}", self.url))
            .header("X-CSRF-Token", &self.csrf)
    }

    pub(crate) fn delete(&self, path: &str) -> reqwest::RequestBuilder {
        self.client
            .delete(format!("{}{path}", self.url))
            .header("X-CSRF-Token", &self.csrf)
    }

    /// Uploads bytes under a name.
    pub(crate) async fn upload(&self, name: &str, bytes: Vec<u8>) -> reqwest::Response {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        self.post("/api/v1/uploads")
            .multipart(form)
            .send()
            .await
            .unwrap()
    }

    /// Uploads and waits until the job has ended; returns the job.
    pub(crate) async fn uploaded(&self, name: &str, bytes: Vec<u8>) -> Value {
        let response = self.upload(name, bytes).await;
        assert_eq!(response.status(), 202, "{name}");
        let queued: Value = response.json().await.unwrap();
        self.finished(queued["job"]["id"].as_str().unwrap()).await
    }

    /// Waits until so many stored files are left: an upload's goes just after its job has ended.
    pub(crate) async fn left_with_blobs(&self, wanted: usize) {
        for _ in 0..1000 {
            if self.library.blobs.list().await.unwrap().len() == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{:?} are left", self.library.blobs.list().await.unwrap());
    }

    /// Waits until a job has ended.
    pub(crate) async fn finished(&self, id: &str) -> Value {
        loop {
            let job: Value = self
                .get(&format!("/api/v1/jobs/{id}"))
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let state = job["job"]["state"].as_str().unwrap();
            if !matches!(state, "queued" | "running") {
                return job["job"].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// `lectern serve` in a process of its own, which is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::started(command(folder, &["serve", "--addr", "127.0.0.1:0"]))
    }

    /// Starts a command that serves, and waits until it listens.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{line:?}"))
            .to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the command line on a data folder and waits for it.
pub(crate) fn lectern(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// A command on a data folder, not yet started.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(LECTERN);
    command
        .arg("--data-dir")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// The exit code of a finished command.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// The JSON lines that a command printed.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// The one JSON object that a command printed.
pub(crate) fn json(output: &Output) -> Value {
    let mut lines = json_lines(output);
    assert_eq!(
        lines.len(),
        1,
        "stderr: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    lines.remove(0)
}

/// A PDF with one line of text a page; no text, no pages.
pub(crate) fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 4 + 2 * page))
        .collect();
    objects.push(format!(
        "<< /Type /Pages /Kids [{}] /Count {} >>",
        kids.join(" "),
        pages.len()
    ));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned());
    for (page, text) in pages.iter().enumerate() {
        let content = format!("BT /F1 11 Tf 60 700 Td ({text}) Tj ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * page
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
    }
    let table = file.len();
    file.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes(),
    );
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    file.extend_from_slice(
        format!(
            "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
            objects.len() + 1
        )
        .as_bytes(),
    );
    file
}
