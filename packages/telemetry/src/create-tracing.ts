import { type Scopes, toOnce } from "./scope.ts";
import type { Spans } from "./spans.ts";
import { findCarrier, NO_CARRIER, type TraceCarrier } from "./trace-context.ts";

/** How spans follow messages, in the shape that transports ask for. */
export interface Tracing {
  /** What goes along with a message that is sent now. */
  inject(): TraceCarrier;
  /** Works deliveries under what came along with them, in their order. */
  run<Result>(carriers: readonly TraceCarrier[], work: () => Promise<Result>): Promise<Result>;
}

/**
 * One message is worked as a part of its sender's trace; several together in a trace of their own that is linked with each, and
 * what is done for each of them alone goes into its own.
 */
export function createTracing(scopes: Scopes, spans: Spans): Tracing {
  return {
    inject: () => spans.inject(),
    run(carriers, work) {
      const found = carriers.map(findCarrier);
      const [only = NO_CARRIER, ...more] = found;
      const isOne = more.length === 0;
      const input = {
        name: "process",
        kind: "consumer",
        attributes: { "messaging.operation.type": "process", "messaging.batch.message_count": carriers.length },
        parent: isOne ? only : NO_CARRIER,
        links: isOne ? [] : found,
      } as const;
      return spans.run(input, ({ carrier }) => scopes.run({ takeCarriers: toOnce(isOne ? [carrier] : found) }, work));
    },
  };
}
