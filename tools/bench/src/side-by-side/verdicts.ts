import type { Batching, Contender } from "./contender.ts";
import type { LatencyFigures } from "./measure-latency.ts";
import type { DrainSummary, SideBySideSummary } from "./summary.ts";

const CLASSES: readonly Batching[] = ["one by one", "grouped"];

/** Where ours stands beside the peers of its class: one line for the rate, one for each latency. */
export function toVerdicts(summary: SideBySideSummary, contenders: readonly Contender[]): readonly string[] {
  return CLASSES.flatMap((batching) => {
    const own = contenders.find((one) => isOurs(one) && one.batching === batching);
    const peers = contenders.filter((one) => !isOurs(one) && one.batching === batching);
    if (own === undefined || peers.length === 0) return [];
    return [...toRateVerdict(own, peers, summary.drains), ...toLatencyVerdicts(own, peers, summary.latencies)];
  });
}

function isOurs({ id }: Contender): boolean {
  return id.startsWith("stackyard");
}

function toRateVerdict(
  own: Contender,
  peers: readonly Contender[],
  drains: readonly DrainSummary[],
): readonly string[] {
  const rateOf = (one: Contender, unit: "jobsPerSecond" | "stepsPerSecond") =>
    drains.find(({ contender }) => contender.id === one.id)?.[unit].median ?? Number.NaN;
  const jobsOf = (one: Contender) => rateOf(one, "jobsPerSecond");
  const fastest = peers.reduce((best, peer) => (jobsOf(peer) > jobsOf(best) ? peer : best));
  const jobs = jobsOf(own) / jobsOf(fastest);
  const steps = rateOf(own, "stepsPerSecond") / rateOf(fastest, "stepsPerSecond");
  const shares = `${jobs.toFixed(2)} × the jobs a second of the fastest peer, ${fastest.name}, and ${steps.toFixed(2)} ×`;
  return [`${own.batching}: ${shares} its durable steps: ${jobs >= 1 ? "ahead" : "behind"}.`];
}

function toLatencyVerdicts(
  own: Contender,
  peers: readonly Contender[],
  latencies: readonly LatencyFigures[],
): readonly string[] {
  return latencies
    .filter(({ contender }) => contender === own.id)
    .map(({ rate, p99Ms }) => {
      const p99Of = (peer: Contender) =>
        latencies.find((row) => row.contender === peer.id && row.rate === rate)?.p99Ms ?? Number.NaN;
      const name = (peer: Contender) => `${peer.name} (${p99Of(peer).toFixed(1)} ms)`;
      const [below, above] = [
        peers.filter((peer) => p99Ms < p99Of(peer)),
        peers.filter((peer) => p99Ms >= p99Of(peer)),
      ];
      const parts = [
        ...(below.length === 0 ? [] : [`below that of ${below.map(name).join(", ")}`]),
        ...(above.length === 0 ? [] : [`behind ${above.map(name).join(", ")}`]),
      ];
      return `${own.batching}, at ${rate} jobs a second: a p99 of ${p99Ms.toFixed(1)} ms to the start, ${parts.join("; ")}.`;
    });
}
