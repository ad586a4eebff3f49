"""read_deltalake.py OUT NAME=TABLE...: each Delta table as the packages deltalake and polars read it, written as plain Parquet under
OUT/deltalake and OUT/polars; prints {NAME: {appId: version}}. Runs in .deps/venv."""
import json
import pathlib
import sys

import deltalake
import polars
import pyarrow.parquet


def main():
    out, positions = pathlib.Path(sys.argv[1]), {}
    for name, place in (word.split("=", 1) for word in sys.argv[2:]):
        table = deltalake.DeltaTable(place)
        for reader in ("deltalake", "polars"):
            (out / reader).mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table.to_pyarrow_table(), out / "deltalake" / f"{name}.parquet")
        polars.scan_delta(place).collect().write_parquet(out / "polars" / f"{name}.parquet")
        asked = [line["txn"]["appId"] for log in pathlib.Path(place, "_delta_log").glob("*.json")
                 for line in map(json.loads, log.read_text().splitlines()) if "txn" in line]
        positions[name] = {app: table.transaction_version(app) for app in set(asked)}
    print(json.dumps(positions))


main()
