import { type CommitList, within } from "@stackyard/core";
import type { StackCommits } from "@stackyard/core/api";
import type { CommitRange } from "@stackyard/core/engine";
import type { RouteDeps } from "./route-deps.ts";

/** People wait for the page. */
const HOST_MS = 5_000;

type HostCommits = Pick<StackCommits, "commits" | "isCut" | "dropped" | "unknown">;

/** Lists the commits of a range by the API of its code host; `unknown` is the reason why it cannot be asked, or does not answer. */
export async function listHostCommits(
  { runner, clock }: Pick<RouteDeps, "runner" | "clock">,
  { repositoryUrl, before, now }: CommitRange,
): Promise<HostCommits> {
  if (repositoryUrl === undefined) return { unknown: "No address in the metadata says which code host has them." };
  const late = new AbortController();
  const work = runner.listCommits({ repositoryUrl, before, now }, late.signal);
  const found = await within(work, {
    clock,
    ms: HOST_MS,
    late: (): CommitList => {
      late.abort();
      return { kind: "unknown", reason: `The code host did not answer within ${HOST_MS / 1_000} s.` };
    },
  });
  const reason = `No code host of the plugin @stackyard/hosts is at ${new URL(repositoryUrl).host}.`;
  return toAnswer(found ?? { kind: "unknown", reason });
}

function toAnswer(found: CommitList): HostCommits {
  if (found.kind === "unknown") return { unknown: found.reason };
  const { commits, isCut, dropped } = found;
  return { commits: [...commits], isCut, dropped };
}
