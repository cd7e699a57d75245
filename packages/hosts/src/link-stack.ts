import { defined } from "@stackyard/core";
import { endPreviewLink, linkPreview, PreviewLink, type PreviewLinksDeps } from "@stackyard/core/services";
import { Errors } from "typebox/value";
import type { AppliedPull } from "./apply-mapping.ts";
import type { PullRecord } from "./decide-pull.ts";
import type { Hook } from "./hook.ts";

/** An event of a pull request that is about to be published. */
export interface LinkInput {
  readonly host: string;
  readonly hook: Hook;
  readonly stackId: string;
}

/** Links the stack of an event to its pull request. Returns what is wrong when that is not possible. */
export async function linkStack(
  deps: PreviewLinksDeps,
  { host, hook: { repository, pull }, stackId }: LinkInput,
): Promise<string | undefined> {
  if (repository === undefined || pull === undefined) return undefined;
  const { id, fullName } = repository;
  const { number, url, head, author: owner } = pull;
  const title = pull.title === "" ? undefined : pull.title;
  const link = { stackId, host, repository: { id, fullName }, number, url, ...defined({ title }), head, owner };
  const [fault] = Errors(PreviewLink, link);
  if (fault !== undefined) return `${fault.instancePath}: ${fault.message}`;
  await linkPreview(deps, link);
  return undefined;
}

/** Keeps the link of a stack whose pull request has ended for a while only. */
export async function endLink(deps: PreviewLinksDeps, before: PullRecord, applied: AppliedPull): Promise<void> {
  if (before.phase !== "open" || before.target === undefined) return;
  if ("record" in applied && applied.record.phase === "none") await endPreviewLink(deps, before.target.stackId);
}
