"""The metrics for Prometheus, and the one door to its client library.

Nothing is kept here: at each scrape the plain numbers of `runtime.measures` are put into the library's words, which
writes them out. Names follow https://prometheus.io/docs/practices/naming/. Labels are names that an admin has given
(connections, rules) or closed lists; never a number or a name of a caller. docs/metrics.md lists them all.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from prometheus_client import GC_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ozrules.runtime.measures import Histogram
from ozrules.web.source import Gauges, Source

L = TypeVar("L", bound=tuple[str, ...])
"""The values of a metric's labels."""
WEBHOOK_RESULTS: Final = ("delivered", "dead", "refused")


class WebFigures:
    """What the web side counts of itself."""

    def __init__(self) -> None:
        self.clients = 0
        self.dropped = 0
        self.refused = 0
        """Wrong tokens."""
        self.turned_away = 0
        """Connections beyond the most that there may be."""


class Exposition:
    """Writes the metrics out, as often as it is asked."""

    def __init__(self, source: Source, web: WebFigures) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Daemon(source, web))
        self._registry.register(PROCESS_COLLECTOR)
        self._registry.register(GC_COLLECTOR)

    def write(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, in the form that the ``Accept`` header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Daemon(Collector):
    def __init__(self, source: Source, web: WebFigures) -> None:
        self._source = source
        self._web = web

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        gauges = self._source.gauges()
        info = {"version": gauges.version, "mode": gauges.mode}
        yield InfoMetricFamily("ozrules", "The running daemon.", value=info)
        yield from self._standing(gauges)
        yield from self._work()
        yield from self._latencies()
        yield from self._page()

    def _standing(self, gauges: Gauges) -> Iterator[Metric]:
        yield _gauge(
            "ozrules_ready", "Whether calls are acted upon: connected, merged, journal and rules well.", gauges.ready
        )
        yield _gauge("ozrules_sessions", "Live sessions.", gauges.sessions)
        yield _gauge("ozrules_timers_waiting", "Sessions with a moment that is waited for.", gauges.timers_waiting)
        yield _gauge("ozrules_timers_late", "Of these, those whose moment has passed already.", gauges.timers_late)
        yield _gauge("ozrules_rules", "Rules in force.", gauges.rules)
        yield _gauge("ozrules_rules_paused", "Rules that an admin has paused.", gauges.paused)
        yield _gauge("ozrules_journal_wal_bytes", "Size of the journal's write-ahead log.", gauges.journal_log)
        queues = GaugeMetricFamily("ozrules_queue_items", "What waits, by queue.", labels=["queue"])
        for name, depth in gauges.queues.items():
            queues.add_metric([name], depth)
        yield queues
        ready = GaugeMetricFamily(
            "ozrules_connection_ready",
            "Whether a phone system is connected and its list merged.",
            labels=["connection"],
        )
        for name, is_ready in gauges.connections.items():
            ready.add_metric([name], is_ready)
        yield ready
        webhooks = CounterMetricFamily("ozrules_webhooks", "Webhooks, by what became of them.", labels=["result"])
        for result in WEBHOOK_RESULTS:
            webhooks.add_metric([result], gauges.webhooks[result])
        yield webhooks
        yield _counter(
            "ozrules_tolerated", "Odd things that were tolerated, by kind.", ["kind"], _single(gauges.tolerated)
        )

    def _work(self) -> Iterator[Metric]:
        measures = self._source.measures
        yield _counter(
            "ozrules_events", "Events taken in, by connection and kind.", ["connection", "kind"], measures.events
        )
        yield _counter("ozrules_decisions", "Decisions, by rule and reason.", ["rule", "reason"], measures.decisions)
        yield _counter(
            "ozrules_actions", "Commands, by action and what became of them.", ["action", "outcome"], measures.outcomes
        )
        yield _counter(
            "ozrules_connects", "How often a phone system was reached.", ["connection"], _single(measures.opened)
        )
        yield _counter(
            "ozrules_gaps", "How often changes may have been missed.", ["connection"], _single(measures.gaps)
        )
        yield _counter("ozrules_reloads", "Reloads of the rules, by result.", ["result"], _single(measures.reloads))
        yield _gauge("ozrules_reload_last_success", "Whether the last reload was accepted.", measures.reload_holds)
        yield _gauge(
            "ozrules_reload_last_success_timestamp_seconds",
            "When rules were last accepted, in seconds since 1970.",
            measures.reloaded_at or 0.0,
        )

    def _latencies(self) -> Iterator[Metric]:
        measures = self._source.measures
        yield _histogram(
            "ozrules_event_to_decision_seconds",
            "From an event's receipt to the decisions on it.",
            measures.event_to_decision,
        )
        yield _histogram(
            "ozrules_decision_to_command_seconds",
            "From a decision to the command's leaving, the journal's sync included.",
            measures.decision_to_command,
        )
        yield _histogram(
            "ozrules_command_to_proof_seconds",
            "From a command's leaving to the change of the call that proves it.",
            measures.command_to_proof,
        )
        yield _histogram(
            "ozrules_timer_lateness_seconds", "How late rules with a `for` or a time were judged.", measures.lateness
        )
        yield _histogram(
            "ozrules_journal_sync_seconds", "What the journal took to have a batch on disk.", self._source.syncs
        )

    def _page(self) -> Iterator[Metric]:
        web = self._web
        yield _gauge("ozrules_web_clients", "Browsers that watch the dashboard.", web.clients)
        yield _total("ozrules_web_clients_dropped", "Browsers dropped because they did not keep up.", web.dropped)
        yield _total("ozrules_web_logins_refused", "Wrong tokens.", web.refused)
        yield _total("ozrules_web_connections_refused", "Connections beyond the most that may be.", web.turned_away)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _total(name: str, help_text: str, value: int) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def _counter(name: str, help_text: str, labels: list[str], counts: Mapping[L, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family


def _single(counts: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): count for name, count in counts.items()}


def _histogram(name: str, help_text: str, histogram: Histogram) -> HistogramMetricFamily:
    counts = list(histogram.counts)
    buckets: list[tuple[str, float]] = []
    reached = 0
    for bound, count in zip([*map(repr, histogram.bounds), "+Inf"], counts, strict=True):
        reached += count
        buckets.append((bound, reached))
    family = HistogramMetricFamily(name, help_text)
    family.add_metric([], buckets=buckets, sum_value=histogram.total)
    return family
