#!/usr/bin/python3 -B
"""
Counts the instructions of the paths in bench_paths.c, by callgrind, and compares them with instructions.txt.

    tests/bench/instructions.py [--update] [--build-dir build/release]

Unlike times these counts are the same on a busy machine. A path that takes 5 % more fails, and so does one that takes
5 % less, for the file would no longer hold it to that. --update writes the file anew: a commit that does so says why.
The C library is told to use the same variants of its functions on all processors, and the program has the same name and
environment everywhere: their length moves the stack, and with it what is copied by whole words.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNTS = pathlib.Path(__file__).with_name("instructions.txt")
HEAD = """# Instructions of one run of each path of tests/bench/bench_paths.c: a release build by gcc 12 for x86-64, on Debian 12.
# tests/bench/instructions.py compares, and writes this file with --update.
"""
TOLERANCE = 0.05
TIMES = 100  # so that the first run, which makes the heap grow, does not count much
SAME_VARIANTS = "-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI1,-BMI2,-LZCNT,-MOVBE,-SSSE3,-SSE4_1,-SSE4_2"


def count(program, path):
    """The instructions of one run."""
    with tempfile.TemporaryDirectory(prefix="sluice-instructions-") as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(
            [shutil.which("valgrind"), "--tool=callgrind", "--toggle-collect=path_*",
             f"--callgrind-out-file={out}", f"./{program.name}", path, str(TIMES)],
            capture_output=True, text=True, cwd=program.parent,
            env={"LD_BIND_NOW": "1", "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={SAME_VARIANTS}"})
        if done.returncode != 0:
            raise SystemExit(f"instructions: {path} ended with {done.returncode}:\n{done.stderr}")
        return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1]) // TIMES


def read_counts():
    lines = COUNTS.read_text(encoding="ascii").splitlines() if COUNTS.exists() else []
    return {name: int(number) for name, number in
            (line.split() for line in lines if line and not line.startswith("#"))}


def main():
    summary, _, details = __doc__.strip().partition("\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--build-dir", default="build/release")
    args = parser.parse_args()
    program = (ROOT / args.build_dir / "bench_paths").resolve()
    paths = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(paths, pool.map(lambda path: count(program, path), paths)))
    if args.update:
        COUNTS.write_text(HEAD + "".join(f"{path:8}{n:9}\n" for path, n in found.items()),
                          encoding="ascii")
    kept = read_counts()
    npassed = 0
    for path in sorted({*found, *kept}):
        now, before = found.get(path), kept.get(path)
        if now and before and abs(now / before - 1) <= TOLERANCE:
            npassed += 1
            print(f"ok   {path}: {now} instructions, {now / before - 1:+.1%}")
            continue
        change = f"{now / before - 1:+.1%} of" if now and before else "and not"
        print(f"FAIL {path}: {now or 'no'} instructions, {change} {before or 'none'} as in "
              f"{COUNTS.relative_to(ROOT)}. If that is meant, run {pathlib.Path(__file__).relative_to(ROOT)} "
              "--update with a release build, and say why in the commit")
    nfailed = len({*found, *kept}) - npassed
    print(f"{npassed} passed, {nfailed} failed")
    return 1 if nfailed else 0


if __name__ == "__main__":
    sys.exit(main())
