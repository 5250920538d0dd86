//! Which crate may use which: the walls of the house.
//!
//! Each wall is a rule about knowledge, explained in ARCHITECTURE.md. A new edge
//! changes that page and this table in the same commit.

use std::path::Path;

use serde_json::Value;

use super::Problem;
use crate::error::Error;
use crate::process;
use crate::workspace::Workspace;

/// Each crate, and the crates of ours that it may use. Tests may use `testkit`
/// besides.
const EDGES: &[(&str, &[&str])] = &[
    ("skep-spec", &[]),
    ("skep-btf", &[]),
    ("skep-object", &["skep-spec", "skep-btf"]),
    ("skep-command", &["skep-spec", "skep-btf"]),
    ("skep-verifier", &["skep-spec", "skep-btf"]),
    ("skep-jit", &["skep-spec", "skep-btf", "skep-verifier"]),
    ("skep-runtime", &["skep-spec", "skep-btf", "skep-command", "skep-verifier", "skep-jit"]),
    ("skep-linux", &["skep-spec", "skep-btf", "skep-command"]),
    (
        "skep",
        &[
            "skep-spec",
            "skep-btf",
            "skep-object",
            "skep-command",
            "skep-verifier",
            "skep-jit",
            "skep-runtime",
            "skep-linux",
        ],
    ),
    ("skep-cli", &["skep"]),
    // Its library uses none of these, so that the lowest crate's tests can use it: its binaries do.
    (
        "testkit",
        &[
            "skep-spec",
            "skep-btf",
            "skep-command",
            "skep-verifier",
            "skep-runtime",
            "skep-linux",
            "skep",
        ],
    ),
    ("xtask", &[]),
];

/// What every crate's tests may use: the test tools, and the kernel as the referee, by its door.
const FOR_TESTS: &[&str] = &["testkit", "skep-command", "skep-linux"];

/// What cargo knows about the workspace and its dependencies.
pub(super) struct Metadata {
    packages: Vec<Package>,
}

pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: Option<String>,
    is_ours: bool,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    is_for_tests: bool,
}

impl Metadata {
    pub(super) fn read(workspace: &Workspace) -> Result<Self, Error> {
        let mut command = workspace.cargo(&["metadata", "--format-version", "1", "--locked"]);
        // skep is a program for Linux: what other systems would need is not built.
        command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
        let text = process::output(&mut command)?;
        let packages = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| {
                value["packages"].as_array().map(|all| all.iter().map(package).collect())
            })
            .ok_or(Error::Output { command: process::shown(&command), expected: "packages" })?;
        Ok(Self { packages })
    }

    /// All packages, those of others included.
    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_ours)
    }
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let dependencies = value["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        licence: value["license"].as_str().map(str::to_owned),
        // A package without a source comes from a path, so from this workspace.
        is_ours: value["source"].is_null(),
        dependencies: dependencies
            .iter()
            .map(|dependency| Dependency {
                name: text(&dependency["name"]),
                is_for_tests: dependency["kind"] == "dev",
            })
            .collect(),
    }
}

pub(super) fn check(metadata: &Metadata) -> Vec<Problem> {
    let ours: Vec<&str> = metadata.ours().map(|package| package.name.as_str()).collect();
    let mut problems = Vec::new();
    for package in metadata.ours() {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
            problems.push(problem(&package.name, "stands in no row of the table of edges"));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if !ours.contains(&name)
                || allowed.contains(&name)
                || (dependency.is_for_tests && FOR_TESTS.contains(&name))
                // A crate's own tests may name the crate itself.
                || name == package.name
            {
                continue;
            }
            problems.push(problem(&package.name, &format!("may not use {name}")));
        }
    }
    problems
}

fn problem(package: &str, message: &str) -> Problem {
    Problem::of_file(Path::new("crate"), format!("{package} {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, dependencies: &[(&str, bool)], expected: &[&str]) {
        let package = |name: &str, dependencies: &[(&str, bool)]| Package {
            name: name.to_owned(),
            version: String::new(),
            licence: None,
            is_ours: true,
            dependencies: dependencies
                .iter()
                .map(|(name, is_for_tests)| Dependency {
                    name: (*name).to_owned(),
                    is_for_tests: *is_for_tests,
                })
                .collect(),
        };
        let mut packages = vec![package(name, dependencies)];
        packages
            .extend(EDGES.iter().filter(|edge| edge.0 != name).map(|edge| package(edge.0, &[])));
        let found: Vec<String> =
            super::check(&Metadata { packages }).iter().map(Problem::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn arrows_of_the_table_are_allowed() {
        check("skep-object", &[("skep-spec", false), ("serde", false)], &[]);
        check("skep-object", &[("testkit", true)], &[]);
    }

    #[test]
    fn other_arrows_are_not() {
        check("skep-spec", &[("skep-btf", false)], &["crate: skep-spec may not use skep-btf"]);
        check("skep-spec", &[("testkit", false)], &["crate: skep-spec may not use testkit"]);
        check("skep-new", &[], &["crate: skep-new stands in no row of the table of edges"]);
    }
}
