//! One style sheet out of `style/main.css` and what it imports.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// Replaces the `@import` lines at the top of `main` by the files they name, in order; a `layer(…)` is kept.
pub(crate) fn bundle(main: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(main).with_context(|| format!("cannot read {}", main.display()))?;
    let dir = main.parent().unwrap_or(Path::new("."));
    let mut bundled = String::with_capacity(text.len());
    for line in text.lines() {
        match parse_import(line)? {
            Some(import) => {
                let content = bundle(&dir.join(import.file))?;
                match import.layer {
                    Some(layer) => bundled.extend(["@layer ", layer, " {\n", &content, "}\n"]),
                    None => bundled.push_str(&content),
                }
            }
            None => bundled.extend([line, "\n"]),
        }
    }
    Ok(bundled)
}

#[derive(Debug, PartialEq)]
struct Import<'a> {
    file: &'a str,
    layer: Option<&'a str>,
}

/// `@import "file.css";`, `@import url("file.css") layer(name);`
fn parse_import(line: &str) -> anyhow::Result<Option<Import<'_>>> {
    let Some(rest) = line.trim().strip_prefix("@import") else { return Ok(None) };
    let parts: Vec<&str> = rest.split(['"', '\'']).collect();
    let [before, file, after] = parts.as_slice() else { bail!("an import is one line with one quoted file: {line}") };
    let after = after.trim_start_matches(')').trim().trim_end_matches(';').trim();
    let layer = match after {
        "" => None,
        _ => Some(
            after
                .strip_prefix("layer(")
                .and_then(|name| name.strip_suffix(')'))
                .with_context(|| format!("only layer(…) may follow: {line}"))?,
        ),
    };
    if !matches!(before.trim(), "" | "url(") || file.contains("://") {
        bail!("an import names a file of ours: {line}");
    }
    Ok(Some(Import { file: file.trim_start_matches("./"), layer }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_replaced_in_order_and_keep_their_layer() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("main.css", "@layer base, parts;\n@import url(\"./base.css\") layer(base);\n@import 'parts.css';\n");
        write("base.css", "body { margin: 0 }\n");
        write("parts.css", "nav { display: flex }\n");
        let bundled = bundle(&dir.path().join("main.css")).unwrap();
        assert_eq!(bundled, "@layer base, parts;\n@layer base {\nbody { margin: 0 }\n}\nnav { display: flex }\n");
    }

    #[test]
    fn what_cannot_be_bundled_is_refused() {
        assert!(parse_import("@import \"https://fonts.example/inter.css\";").is_err());
        assert!(parse_import("@import \"print.css\" print;").is_err());
        assert_eq!(parse_import("main { color: red }").unwrap(), None);
    }
}
