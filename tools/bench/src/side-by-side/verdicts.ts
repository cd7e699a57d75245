import type { Batching, Contender } from "./contender.ts";
import type { LatencySummary } from "./latency-summary.ts";
import type { SideBySideSummary } from "./side-by-side-summary.ts";
import type { Spread } from "./statistics.ts";
import type { DrainSummary } from "./summary.ts";

const CLASSES: readonly Batching[] = ["one by one", "grouped"];

/** The position of ours among the peers of its class: one line for the rate, one for each latency. */
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
  latencies: readonly LatencySummary[],
): readonly string[] {
  return latencies
    .filter(({ contender }) => contender === own.id)
    .map((row) => {
      const at = `${own.batching}, at ${row.rate} jobs a second:`;
      if (row.overCapacity) return `${at} more than it can work, so there is no latency.`;
      const theirs = peers.flatMap((peer) => {
        const found = latencies.find(({ contender, rate }) => contender === peer.id && rate === row.rate);
        return found === undefined || found.overCapacity ? [] : [{ peer, p99: found.p99Ms }];
      });
      const listed = (word: string, holds: (p99: Spread) => boolean) => {
        const found = theirs.filter(({ p99 }) => holds(p99));
        const names = found.map(({ peer, p99 }) => `${peer.name} (${toMs(p99)})`);
        return names.length === 0 ? [] : [`${word} ${names.join(", ")}`];
      };
      const isLevel = (p99: Spread) => lies(p99.median, row.p99Ms) && lies(row.p99Ms.median, p99);
      const parts = [
        ...listed("below", (p99) => !isLevel(p99) && row.p99Ms.median < p99.median),
        ...listed("level with", isLevel),
        ...listed("behind", (p99) => !isLevel(p99) && row.p99Ms.median >= p99.median),
      ];
      return `${[`${at} a p99 of ${toMs(row.p99Ms)} to the start`, ...parts].join("; ")}.`;
    });
}

/** Where each median lies within the rounds of the other, none is said to be the better one. */
function lies(value: number, { least, most }: Spread): boolean {
  return value >= least && value <= most;
}

function toMs({ median }: Spread): string {
  return `${median.toFixed(1)} ms`;
}
