import { findPreviewLink, type PreviewLinksDeps } from "@stackyard/core/services";
import type { Hook } from "./hook.ts";
import { toPullKey, toStoredPull } from "./pull-records.ts";

/**
 * Returns why a pull request gets no event to a stack: the stack is that of another pull request, which is open. The
 * stack of the first one stays its own, because the close of one would remove that of the other.
 */
export async function findRival(
  deps: PreviewLinksDeps,
  { host, hook, stackId }: { readonly host: string; readonly hook: Hook; readonly stackId: string },
): Promise<string | undefined> {
  const { repository, pull } = hook;
  // No stack has such an id; the fault is named when the event is published.
  if (!/^\P{Cc}{1,255}$/u.test(stackId)) return undefined;
  const link = await findPreviewLink(deps, stackId);
  if (link === undefined || repository === undefined || pull === undefined) return undefined;
  const { id, fullName } = link.repository;
  if (link.host === host && id === repository.id && link.number === pull.number) return undefined;
  const owner = toStoredPull(await deps.records.get(toPullKey(link.host, id, link.number), deps.clock.now()));
  if (owner.phase !== "open" || owner.target?.stackId !== stackId) return undefined;
  const advice = 'Give each pull request a stack of its own: use "hook.pull.number" under "stack" of the document.';
  return `The stack "${stackId}" belongs to pull request ${link.number} of ${fullName}. ${advice}`;
}
