import type { FleetInstanceReport } from "../fleet-report.ts";
import { findLastLine, toCell } from "./clean-text.ts";

/** One way in which instances of a run failed. */
export interface FailureCause {
  readonly code: string;
  readonly responseCode?: number;
  /** The last line of the first one; absent where none said anything. */
  readonly example?: string;
  /** In the order that they were given in. */
  readonly instanceIds: readonly string[];
}

/**
 * Failures that are alike: the same code, the same exit code, and a last line that differs in ids and numbers alone. The
 * most frequent first.
 */
export function groupFailures(failing: readonly FleetInstanceReport[]): readonly FailureCause[] {
  const groups = Map.groupBy(failing, toKey);
  return [...groups.values()].map(toCause).toSorted((a, b) => b.instanceIds.length - a.instanceIds.length);
}

/** What an instance said last: on its error stream, else on the other. */
export function findSaid({ stderrTail, stdoutTail }: FleetInstanceReport): string | undefined {
  return findLastLine(stderrTail) ?? findLastLine(stdoutTail);
}

const MAX_EXAMPLE = 300;

function toKey(instance: FleetInstanceReport): string {
  const { code, responseCode } = instance;
  const said = (findSaid(instance) ?? "").replaceAll(/[0-9a-f]{6,}|\d+/giu, "#");
  return [code, responseCode, said].join("\n");
}

function toCause(instances: readonly FleetInstanceReport[]): FailureCause {
  const [first] = instances;
  const example = first && findSaid(first);
  return {
    code: first?.code ?? "FAILED",
    ...(first?.responseCode === undefined ? {} : { responseCode: first.responseCode }),
    ...(example === undefined ? {} : { example: toCell(example, MAX_EXAMPLE) }),
    instanceIds: instances.map(({ instanceId }) => instanceId),
  };
}
