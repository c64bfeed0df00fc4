//! A cluster is started, hurt and started again. Needs PostgreSQL's programs, as the crate does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use postgres::{Cluster, Options};
use tempfile::TempDir;

const HELD_DIR: &str = "TIEOUT_TEST_HELD_DIR";

fn start(dir: &Path) -> Cluster {
    Cluster::start(dir, &Options::durable().with("shared_buffers", "16MB")).unwrap()
}

fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("postgres/postgres.log")).unwrap_or_default()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn kill_hard(id: u32) {
    kill(Pid::from_raw(i32::try_from(id).unwrap()), Signal::SIGKILL).unwrap();
}

fn socket_of(cluster: &Cluster) -> String {
    let url = cluster.url("tieout");
    let host = url.split("host=").nth(1).unwrap().split('&').next().unwrap();
    format!("{host}/.s.PGSQL.5432")
}

#[test]
fn a_cluster_keeps_its_databases_when_it_is_stopped_and_started() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path());
    cluster.create_database_if_absent("tieout").unwrap();
    cluster.create_database_if_absent("tieout").unwrap();
    let socket = socket_of(&cluster);
    assert!(Path::new(&socket).exists());
    cluster.stop().unwrap();
    assert!(!Path::new(&socket).exists(), "the server is down after stop");

    let databases = |cluster: &Cluster| {
        cluster.create_database_if_absent("tieout").unwrap();
        log(dir.path()).matches(r#"database "tieout" already exists"#).count()
    };
    let cluster = start(dir.path());
    assert_eq!(databases(&cluster), 2, "the database made before the stop is there after it");
    cluster.stop().unwrap();
}

#[test]
fn a_server_that_is_killed_comes_back() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path());
    cluster.create_database_if_absent("tieout").unwrap();
    let first = cluster.server_id();
    kill_hard(first);
    wait_until("the keeper has started another server", || cluster.server_id() != first);
    cluster.create_database_if_absent("tieout").unwrap();
    assert!(log(dir.path()).contains("automatic recovery in progress"), "{}", log(dir.path()));
    cluster.stop().unwrap();
}

#[test]
fn the_server_ends_cleanly_when_its_program_is_killed() {
    let dir = TempDir::new().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hold_a_cluster", "--ignored"])
        .env(HELD_DIR, dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the program holds a cluster", || dir.path().join("held").exists());
    program.kill().unwrap();
    program.wait().unwrap();
    wait_until("the server has shut down", || log(dir.path()).contains("database system is shut down"));

    start(dir.path()).stop().unwrap();
    assert!(!log(dir.path()).contains("automatic recovery in progress"), "{}", log(dir.path()));
}

#[test]
#[ignore = "the program that the_server_ends_cleanly_when_its_program_is_killed kills"]
fn hold_a_cluster() {
    let dir = std::env::var_os(HELD_DIR).unwrap();
    let _held = start(Path::new(&dir));
    fs::write(Path::new(&dir).join("held"), "").unwrap();
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_second_program_is_refused_and_the_first_goes_on() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path());
    let error = Cluster::start(dir.path(), &Options::durable()).unwrap_err().to_string();
    assert!(error.contains("postmaster.pid"), "{error}");
    cluster.create_database_if_absent("tieout").unwrap();
    cluster.stop().unwrap();
}

#[test]
fn root_hands_the_server_to_another_account_which_need_not_reach_the_directory() {
    if !Uid::effective().is_root() {
        return;
    }
    let outer = TempDir::new().unwrap();
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let dir = outer.path().join("private/data");
    let cluster = start(&dir);
    let home = dir.join("postgres").canonicalize().unwrap();
    assert!(!home.starts_with(outer.path()), "{}", home.display());
    let server = fs::metadata(format!("/proc/{}", cluster.server_id())).unwrap();
    assert_ne!(server.uid(), 0);
    assert_eq!(fs::metadata(&home).unwrap().mode() & 0o777, 0o700);
    cluster.stop().unwrap();
    fs::remove_dir_all(&home).unwrap();
    assert_eq!(fs::metadata(outer.path()).unwrap().mode() & 0o777, 0o700, "the user's directory is left as it was");

    start(&dir).stop().unwrap();
    fs::remove_dir_all(dir.join("postgres").canonicalize().unwrap()).unwrap();
}

#[test]
fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let outer = TempDir::new().unwrap();
    let dir = outer.path().join("long".repeat(30));
    let cluster = start(&dir);
    let socket = socket_of(&cluster);
    cluster.create_database_if_absent("tieout").unwrap();
    cluster.stop().unwrap();
    let socket_dir = Path::new(&socket).parent().unwrap();
    assert!(!socket_dir.exists(), "{} is left over", socket_dir.display());
}
