"""Typeset the sample papers: each NAME.typ beside this file becomes NAME.pdf.

Needs the `typst` package (pip install typst). Only the fonts inside that package are used, so
the result does not depend on what the machine has installed.
"""

from pathlib import Path

import typst

HERE = Path(__file__).resolve().parent

for source in sorted(HERE.glob("*.typ")):
    if source.name == "template.typ":
        continue
    target = source.with_suffix(".pdf")
    typst.compile(str(source), output=str(target), root=str(HERE), ignore_system_fonts=True)
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
