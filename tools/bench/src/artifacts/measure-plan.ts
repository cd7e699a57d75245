import { type PublishedArtifact, planFanOut } from "@stackyard/distributor";
import { toSpread } from "../side-by-side/statistics.ts";
import { anArtifact } from "./an-artifact.ts";
import type { PlanFigures } from "./artifact-figures.ts";

/** How much there is to plan. */
export interface PlanInput {
  readonly consumers: number;
  readonly versions: number;
  readonly files: number;
  readonly rounds: number;
}

const REGIONS = ["eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-southeast-2"];

/** Plans who is sent what and when, to the end; nothing is sent. */
export function measurePlan({ consumers, versions, files, rounds }: PlanInput): PlanFigures {
  const places = Array.from({ length: consumers }, (_, index) => ({
    account: String(100_000_000_000 + Math.floor(index / REGIONS.length)),
    region: REGIONS[index % REGIONS.length] ?? "",
  }));
  const items = Array.from({ length: versions }, (_, index) => ({ artifact: anArtifact(`1.0.${index}`, files) }));
  planAll(items, places.slice(0, 10));
  const results = Array.from({ length: rounds }, () => planAll(items, places));
  const seconds = toSpread(results.map((result) => result.seconds));
  return { consumers, versions, files, messages: results[0]?.messages ?? 0, seconds };
}

function planAll(
  items: readonly { readonly artifact: PublishedArtifact }[],
  places: Exclude<Parameters<typeof planFanOut>[1], "ALL">,
): { readonly messages: number; readonly seconds: number } {
  const startedAt = performance.now();
  let messages = 0;
  for (const batch of planFanOut(items, places)) messages += batch.messages.length;
  return { messages, seconds: (performance.now() - startedAt) / 1_000 };
}
