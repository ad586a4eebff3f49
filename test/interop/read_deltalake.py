"""read_deltalake.py OUT NAME=TABLE...: each Delta table as the packages deltalake and polars read it, written as plain Parquet under
OUT/deltalake and OUT/polars, and a filter on a column seen to find its rows; prints {NAME: {appId: version}}. Runs in .deps/venv."""
import json
import pathlib
import sys

import deltalake
import polars
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet


def check_filters(table, rows, name):
    """A filter on a column finds each of its rows, whatever the log says of the file that they are in."""
    seen = table.to_pyarrow_dataset()
    columns = [c.name for c in rows.schema if not pyarrow.types.is_nested(c.type)]
    for column in dict.fromkeys(["fact_id", "fact_at", "received_at", "revised_at", *columns[:4]]):
        there = rows.column(column).drop_null()
        if len(there) > 0:
            wanted = pyarrow.compute.sum(pyarrow.compute.equal(there, there[0])).as_py()
            found = seen.count_rows(filter=pyarrow.dataset.field(column) == there[0])
            assert found == wanted, f"{name}: {found} rows of {wanted} have this {column}"


def main():
    out, positions = pathlib.Path(sys.argv[1]), {}
    for name, place in (word.split("=", 1) for word in sys.argv[2:]):
        table = deltalake.DeltaTable(place)
        for reader in ("deltalake", "polars"):
            (out / reader).mkdir(parents=True, exist_ok=True)
        rows = table.to_pyarrow_table()
        check_filters(table, rows, name)
        pyarrow.parquet.write_table(rows, out / "deltalake" / f"{name}.parquet")
        polars.scan_delta(place).collect().write_parquet(out / "polars" / f"{name}.parquet")
        asked = [line["txn"]["appId"] for log in pathlib.Path(place, "_delta_log").glob("*.json")
                 for line in map(json.loads, log.read_text().splitlines()) if "txn" in line]
        positions[name] = {app: table.transaction_version(app) for app in set(asked)}
    print(json.dumps(positions))


main()
