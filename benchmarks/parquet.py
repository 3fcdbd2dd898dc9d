"""A corpus of source files in Parquet, checked by ``torchlint.check_source`` on a Dask cluster.

    pip install -e . -c constraints.txt -r benchmarks/requirements.txt
    python benchmarks/parquet.py --folder DIR [--workers N]

Makes a data set with the columns of public ones (`repo`, `path`, `content`) of more than 20,000 files, all with
different contents, from pinned packages. Checks it twice, in one process and on a cluster on this machine whose
worker processes talk to the scheduler over TCP as they would from other machines, and compares results and cost.
The findings are written to DIR/corpus/findings.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from dask.distributed import Client, LocalCluster, as_completed
from measure import machine
from packages import PACKAGES, python_files, sources

from torchlint import check_source

ROWS_PER_PARTITION = 250
"""About two seconds of work: a worker that is lost costs little, and none ends long after the others."""

MANY_FILES = 10_000_000


@dataclass(frozen=True)
class Partition:
    """What came of one Parquet file. ``findings`` has the columns of the table that is written."""

    name: str
    files: int
    size: int
    cpu: float
    findings: list[dict[str, Any]]


# --------------------------------------------------------------------------------------------------------- the corpus


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """The files of all packages; of files with the same text only the first."""
    seen = set()
    for name in PACKAGES:
        package = sources(folder, name)
        for file in python_files(package):
            # As in public data sets: what is not UTF-8 was left out, or repaired, before.
            content = file.read_bytes().decode("utf-8", "replace")
            if content not in seen:
                seen.add(content)
                yield {
                    "repo": f"{name}/{package.name}",
                    "path": file.relative_to(package).as_posix(),
                    "content": content,
                }


def build(folder: Path) -> list[Path]:
    """The Parquet files of the corpus, sorted by name; made if there are none."""
    target = folder / "corpus" / "files"
    if not target.is_dir():
        unfinished = target.with_name("files.unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        remaining = rows(folder)
        for number, chunk in enumerate(iter(lambda: list(islice(remaining, ROWS_PER_PARTITION)), [])):
            table = pyarrow.Table.from_pylist(chunk)
            pyarrow.parquet.write_table(table, unfinished / f"part-{number:05}.parquet", compression="zstd")
        unfinished.rename(target)
    return sorted(target.glob("part-*.parquet"))


# ---------------------------------------------------------------------------------------------------------- the check


def check(partition: str) -> Partition:
    """Check the files of one partition. This runs on the workers, which only need torchlint and pyarrow."""
    started = time.process_time()
    table = pyarrow.parquet.read_table(partition, columns=["repo", "path", "content"]).to_pylist()
    findings = [
        {
            "repo": row["repo"],
            "path": row["path"],
            "line": diagnostic.range.start.line,
            "column": diagnostic.range.start.column,
            "code": diagnostic.code,
            "message": diagnostic.message,
        }
        for row in table
        for diagnostic in check_source(row["content"], row["path"])
    ]
    size = sum(len(row["content"].encode("utf-8")) for row in table)
    return Partition(Path(partition).name, len(table), size, time.process_time() - started, findings)


def check_here(partitions: Sequence[Path]) -> list[Partition]:
    return [check(str(path)) for path in partitions]


def check_on_cluster(client: Client, partitions: Sequence[Path]) -> list[Partition]:
    """What comes first is taken first, so that the scheduler does not keep results that nobody waits for."""
    futures = client.map(check, [str(path) for path in partitions], pure=False)
    done = [partition for _, partition in as_completed(futures, with_results=True)]
    return sorted(done, key=lambda partition: partition.name)


def write(findings: Iterable[dict[str, Any]], target: Path) -> None:
    target.mkdir(exist_ok=True)
    table = pyarrow.Table.from_pylist(list(findings))
    pyarrow.parquet.write_table(table, target / "part-00000.parquet", compression="zstd")


# ---------------------------------------------------------------------------------------------------------- the report


@dataclass(frozen=True)
class Timed:
    """One way through the corpus."""

    how: str
    wall: float
    partitions: list[Partition]

    @property
    def files(self) -> int:
        return sum(each.files for each in self.partitions)

    @property
    def megabytes(self) -> float:
        return sum(each.size for each in self.partitions) / 1e6

    @property
    def cpu(self) -> float:
        return sum(each.cpu for each in self.partitions)

    def row(self) -> str:
        speeds = f"{self.files / self.wall:.0f} | {self.megabytes / self.wall:.2f}"
        return f"| {self.how} | {self.wall:.1f} | {self.cpu:.1f} | {speeds} |"


def report(one: Timed, cluster: Timed) -> Iterator[str]:
    yield from (
        machine(),
        "",
        f"{one.files:,} files, {one.megabytes:.0f} MB, {len(one.partitions)} partitions",
        "",
        "| | wall s | CPU s in `check` | files/s | MB/s |",
        "| --- | --- | --- | --- | --- |",
        one.row(),
        cluster.row(),
        "",
        f"Speed-up: {one.wall / cluster.wall:.2f}",
    )
    counts = Counter(finding["code"] for each in one.partitions for finding in each.findings)
    yield "Findings: " + ", ".join(f"{code} {count}" for code, count in sorted(counts.items()))
    mean = one.megabytes / one.files
    per_megabyte = one.cpu / one.megabytes
    yield (
        f"Estimate for {MANY_FILES:,} files: {MANY_FILES * mean * per_megabyte / 3600:,.0f} CPU hours on processors"
        f" like this one, with files of {mean * 1000:.1f} kB on average and {per_megabyte:.3f} CPU seconds for a MB,"
        " both as measured in one process. A corpus with fewer files about PyTorch costs less."
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="for all that is downloaded"
    )
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="processes (default: %(default)s)"
    )
    parser.add_argument("--partitions", type=int, metavar="N", help="check only N, from all over")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    folder = options.folder.resolve()
    partitions = build(folder)
    partitions = partitions[:: max(1, len(partitions) // (options.partitions or len(partitions)))]

    print(f"checking {len(partitions)} partitions in one process", file=sys.stderr)
    started = time.perf_counter()
    alone = check_here(partitions)
    one = Timed("one process", time.perf_counter() - started, alone)
    print(f"checking them with {options.workers} workers", file=sys.stderr)
    # One thread each: threads of a process only wait for each other.
    with (
        LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(options.workers)
        started = time.perf_counter()
        together = check_on_cluster(client, partitions)
        many = Timed(f"{options.workers} Dask workers", time.perf_counter() - started, together)
    print("\n".join(report(one, many)))
    same = [each.findings for each in alone] == [each.findings for each in together]
    print("The findings are the same." if same else "THE FINDINGS DIFFER.")
    write((finding for each in together for finding in each.findings), folder / "corpus" / "findings")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
