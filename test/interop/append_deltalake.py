"""append_deltalake.py TABLE N: commit N times to a Delta table that somebody else writes too: each time one row, a copy of one that is there
with another fact_id. Runs in .deps/venv."""
import sys

import deltalake
import pyarrow


def main():
    place, n = sys.argv[1], int(sys.argv[2])
    row = deltalake.DeltaTable(place).to_pyarrow_table().slice(0, 1)
    column = row.schema.get_field_index("fact_id")
    for i in range(n):
        mine = row.set_column(column, row.schema.field(column), pyarrow.array([f"other-writer-{i}"], row.schema.field(column).type))
        deltalake.write_deltalake(place, mine, mode="append")


main()
