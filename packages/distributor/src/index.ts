import { definePlugin } from "@stackyard/core";
import { createArtifactCommands } from "./commands/create-artifact-commands.ts";

export type { AnnouncementTarget, Announcer, PublishedArtifact } from "./announce/announcer.ts";
export { type Cell, type CellSubject, createCell, type FileFailure, type RewrittenFile } from "./cells/cell.ts";
export { type CoverageFacts, type CoverageVerdict, decideCovered } from "./cells/decide-covered.ts";
export { expectedSet, type PublishedVersion, type Subscription, toSubscription } from "./cells/expected-set.ts";
export { type CellEvent, type FileArrived, type FileFailed, reduceCell } from "./cells/reduce-cell.ts";
export { statusOf } from "./cells/to-coverage-cell.ts";
export {
  type FanOutItem,
  type FanOutOptions,
  type PlannedBatch,
  type PlannedMessage,
  planFanOut,
} from "./fan-out/plan-fan-out.ts";
export type { ConsumerRecord } from "./registry/consumer-record.ts";
export { type ConsumerEvent, registerConsumer } from "./registry/register-consumer.ts";
export { decideRetention, type KeptVersion, type RetentionInput } from "./retention/decide-retention.ts";
export { decideSweep, type SweepAction, type SweepOptions } from "./sweep/decide-sweep.ts";
export { type AccountSource, judgeTrust, type TrustConfig, type TrustVerdict } from "./trust/judge-trust.ts";

/** The commands about artifacts and their consumers. */
export default definePlugin({ name: "artifacts", executors: [], commands: createArtifactCommands() });
