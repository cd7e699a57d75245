import type { CodeHost } from "../code-host.ts";
import type { HookRepository } from "../delivery/hook.ts";
import { readRef } from "../delivery/look-up-ref.ts";
import type { QueuedHook, ReceiveDeps } from "../delivery/receive.ts";
import { findRefused, refRecords, toPush, toRefName, toRefPrefix } from "../delivery/ref-records.ts";

/** A repository whose branches are compared. */
interface MovedRefsInput {
  readonly host: string;
  readonly codeHost: CodeHost;
  readonly repository: HookRepository;
}

/**
 * Returns the items of the queue for branches that point elsewhere than when their pushes had events: deliveries were lost;
 * and for those of which the yard has refused such an event: it is sent again once the yard would apply it.
 * Each is read again when it is decided on. Branches of a host that does not allow to read them are left out.
 */
export async function findMovedRefs(
  deps: Pick<ReceiveDeps, "records" | "clock" | "queries">,
  { host, codeHost, repository }: MovedRefsInput,
): Promise<readonly { readonly key: string; readonly queued: QueuedHook }[]> {
  const found: { readonly key: string; readonly queued: QueuedHook }[] = [];
  const sender = { id: host, name: host, bot: true };
  for await (const record of refRecords.all(deps, toRefPrefix({ host, repository }))) {
    const { ref, head: before } = record;
    if (!ref.startsWith("refs/heads/")) continue;
    const refused = (await findRefused(deps, record)) !== undefined;
    if (before === undefined && !refused) continue;
    const read = await readRef(codeHost, repository, ref);
    if (read === undefined || (read.head === before && !refused)) continue;
    const readAt = deps.clock.now();
    const name = toRefName({ host, repository, ref });
    const push = toPush(ref, ref.slice("refs/heads/".length), read.head);
    const action = push.deleted ? "deleted" : "pushed";
    const hook = { kind: "push", action, repository, push, sender } as const;
    // A branch may point there once more.
    found.push({ key: `${host}/refs/${name}`, queued: { host, id: `refs/${name}.${readAt}`, hook, readAt } });
  }
  return found;
}
