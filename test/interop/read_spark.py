"""read_spark.py JARS OUT VIEWS MODEL,... NAME=TABLE...: each Delta table as Spark reads it, written as plain Parquet under OUT/spark, and each
MODEL of the views that the file VIEWS makes, under OUT/spark-views; prints {NAME: {appId: version}}. Runs with .deps/spark."""
import json
import pathlib
import sys

from pyspark.sql import SparkSession

SETTINGS = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "1", "spark.sql.session.timeZone": "UTC",
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.databricks.delta.snapshotPartitions": "1",
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog"}


def positions(spark, place):
    """The appId and version of every `txn` action, as Delta's own code for Spark replays the log."""
    log = spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, place)
    actions = log.unsafeVolatileSnapshot().setTransactions().iterator()
    found = {}
    while actions.hasNext():
        action = actions.next()
        found[action.appId()] = action.version()
    return found


def main():
    jars, out, views, models = sys.argv[1:5]
    out = pathlib.Path(out)
    builder = SparkSession.builder.master("local[1]").config("spark.jars", jars).config("spark.sql.warehouse.dir", str(out))
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    found = {}
    for name, place in (word.split("=", 1) for word in sys.argv[5:]):
        spark.read.format("delta").load(place).write.parquet(str(out / "spark" / f"{name}.parquet"))
        found[name] = positions(spark, place)
    for statement in pathlib.Path(views).read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement)
    for model in filter(None, models.split(",")):
        spark.sql(f"SELECT * FROM `{model}`").write.parquet(str(out / "spark-views" / f"{model}.parquet"))
    print(json.dumps(found))


main()
