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
  const rateOf = (one: Contender) =>
    drains.find(({ contender }) => contender.id === one.id)?.stepsPerSecond.median ?? Number.NaN;
  const fastest = peers.reduce((best, peer) => (rateOf(peer) > rateOf(best) ? peer : best));
  const share = rateOf(own) / rateOf(fastest);
  const word = share >= 1 ? "ahead" : "behind";
  return [
    `${own.batching}: ${share.toFixed(2)} × the durable steps a second of the fastest peer, ${fastest.name}: ${word}.`,
  ];
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
