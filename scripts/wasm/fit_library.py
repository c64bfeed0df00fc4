#!/usr/bin/env python3
"""Make Debian's Rust library sources buildable for wasm32 by the rustc in use.

    fit_library.py LIBRARY_DIR SOURCE_RELEASE RUSTC_RELEASE

Equal releases: only the workspace is trimmed to what the sysroot needs.
1.96.0 for 1.95.0: what the older compiler does not know (lang items, intrinsics, an attribute) is removed or
spelled the old way. Every other pair is refused, and so is a source in which an edit does not match exactly as
often as it did when the recipe was written.
"""

import pathlib
import re
import sys

FLOAT_BITS = (16, 32, 64, 128)


class Library:
    """The source tree, edited by counted substitutions."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def edit(self, path, pattern, replacement, count=None):
        """Replace `pattern` in `path`; `count` is how often it must match (None: at least once)."""
        file = self.root / path
        text, found = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE | re.DOTALL)
        if found == 0 or (count is not None and found != count):
            sys.exit(f"fit_library: {path}: {pattern!r} matched {found} times, expected {count or 'some'}")
        file.write_text(text)

    def replace_file(self, path, text):
        (self.root / path).write_text(text)


def trim_workspace(library):
    """Only the sysroot crate stays; dev-dependencies would ask for crates that the build does not need."""
    library.edit("Cargo.toml", r'^  "(?:std|coretests|alloctests)",\n', "", 3)
    library.edit("std/Cargo.toml", r"^\[dev-dependencies\]\n.*?(?=^\[)", "", 1)


def fit_1_96_to_1_95(library):
    remove_lang_items(library)
    respell_intrinsics(library)
    remove_on_move(library)


def remove_lang_items(library):
    """All of them stand behind unstable features."""
    library.edit("core/src/mem/maybe_dangling.rs", r'^#\[lang = "maybe_dangling"\]\n', "", 1)
    library.edit("core/src/field.rs", r'^\s*#\[lang = "field\w*"\]\n', "", 5)
    library.edit("core/src/field.rs", r"const OFFSET: usize = [^;]*;", "const OFFSET: usize;", 1)


def respell_intrinsics(library):
    intrinsics = "core/src/intrinsics/mod.rs"
    library.edit(
        intrinsics,
        r"^#\[rustc_intrinsic\]\n#\[unstable\([^\n]*\n#\[rustc_const_unstable\([^\n]*\npub const fn field_offset<[^;]*;\n",
        "",
        1,
    )
    library.edit(
        intrinsics,
        r"#\[rustc_intrinsic_const_stable_indirect\]\n#\[rustc_intrinsic\]\n"
        r"(pub const fn (?:min|max)imum_number_nsz_f(?:32|64)\()",
        r"#[rustc_const_stable_indirect]\n#[inline]\n\1",
        4,
    )
    library.edit(
        intrinsics,
        r"#\[rustc_intrinsic\]\n(pub const fn (?:min|max)imum_number_nsz_f(?:16|128)\()",
        r"#[inline]\n\1",
        4,
    )
    library.edit(
        intrinsics,
        r"#\[rustc_nounwind\]\n#\[rustc_intrinsic_const_stable_indirect\]\n#\[rustc_intrinsic\]\n"
        r"pub const fn fabs<T: bounds::FloatPrimitive>\(x: T\) -> T;\n",
        "".join(fabs_declaration(bits) for bits in FLOAT_BITS),
        1,
    )
    for bits in FLOAT_BITS:
        library.edit(f"core/src/num/f{bits}.rs", r"intrinsics::fabs\(self\)", f"intrinsics::fabsf{bits}(self)", 1)
    library.replace_file("core/src/intrinsics/simd/scalable.rs", "//! unknown to rustc 1.95\n")
    for path in ("core/src/intrinsics/simd/mod.rs", "portable-simd/crates/core_simd/src/simd/num/float.rs"):
        library.edit(path, "simd_minimum_number_nsz", "simd_fmin")
        library.edit(path, "simd_maximum_number_nsz", "simd_fmax")


def fabs_declaration(bits):
    stable = "#[rustc_intrinsic_const_stable_indirect]\n" if bits in (32, 64) else ""
    return f"#[rustc_nounwind]\n{stable}#[rustc_intrinsic]\npub const fn fabsf{bits}(x: f{bits}) -> f{bits};\n"


def remove_on_move(library):
    """A diagnostic attribute."""
    library.edit("alloc/src/lib.rs", r"^#!\[feature\(diagnostic_on_move\)\]\n", "", 1)
    for module in ("sync", "rc"):
        library.edit(f"alloc/src/{module}.rs", r"^#\[diagnostic::on_move\(.*?^\)\]\n", "", 1)


RECIPES = {("1.96.0", "1.95.0"): fit_1_96_to_1_95}


def main():
    root, source, compiler = sys.argv[1:]
    if source != compiler and (source, compiler) not in RECIPES:
        sys.exit(f"fit_library: no recipe for the library of Rust {source} with rustc {compiler}")
    library = Library(root)
    trim_workspace(library)
    if source != compiler:
        RECIPES[source, compiler](library)


if __name__ == "__main__":
    main()
