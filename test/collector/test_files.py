"""Files of collectors that are wrong, missing or moved, as weir tells of them."""
import json
import signal

from blackbox import Weir, case, eventually, run


def collector(script="echo '{\"value\":1}'", interval="1h", **more):
    """A file of dialect C that runs a shell script for its rows."""
    return {"collector": {"type": "metric"}, "metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": interval},
            "source": {"type": "metric.command", "config": {"run": ["/bin/sh", "-c", script]}}} | more


def write(path, what):
    path.parent.mkdir(exist_ok=True)
    path.write_text(what if isinstance(what, str) else json.dumps(what))


def says(weir, event, n=1):
    eventually(lambda: weir.log.read_text().count(f"event={event} ") >= n or weir.log.read_text().count(f'event="{event}" ') >= n,
               f"the log has {n} x {event}", 60)


@case
def a_refused_reload_says_what_is_wrong_and_no_more(folder):
    good = folder / "one.yaml"
    write(good, collector())
    with Weir(folder, collectors="./one.yaml") as weir:
        write(good, collector(interval="often", shedule={}))
        weir.process.send_signal(signal.SIGHUP)
        says(weir, "reload refused")
        write(good, collector())
        weir.process.send_signal(signal.SIGHUP)
        says(weir, "reload")
        log = weir.log.read_text()
        assert log.count("reload refused") == 1 and "schedule.interval is often" in log and "note:" not in log, log


run()
