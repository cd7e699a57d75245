import { type DescribedStack, defined, isMap, type ServiceDeps, type Stack } from "@stackyard/core";
import type { PreviewLink } from "@stackyard/core/services";
import { describeEnded, describePreview, type PreviewFacts } from "./describe-preview.ts";

/** What reports are read from. */
export interface PreviewDeps extends Pick<ServiceDeps, "describeStack" | "findLogEnd" | "listLinks" | "queries"> {
  /** Where people reach the yard. */
  readonly yardUrl: string | undefined;
  /** True if users of the host are linked to people. */
  readonly canApprove: boolean;
}

/** Lines of a stack's history to search for outputs. */
const LINES = { limit: 100, maxBytes: 262_144 };

/** The facts about a stack, and whether it was sent the commit of its link. */
interface LoadedPreview {
  readonly preview: PreviewFacts;
  readonly isSent: boolean;
}

/**
 * Returns the current facts about a stack for a report; undefined while the event that creates it is not decided, and
 * for a link without a proof or that means a stack of another machine. `isSeen`: an earlier report contained it.
 */
export async function loadPreview(
  deps: PreviewDeps,
  link: PreviewLink,
  isSeen: boolean,
): Promise<LoadedPreview | undefined> {
  if (link.by === undefined) return undefined;
  const described = await deps.describeStack(link.stackId);
  const stack = described?.stack;
  if (stack !== undefined && link.machine !== undefined && stack.machine !== link.machine) return undefined;
  const preview = await loadFacts(deps, link, { described, isSeen });
  return preview && { preview, isSent: wasSent(link, stack) };
}

/** Returns true if the stack was sent the commit: by the hook of it, or with metadata that contain it. */
function wasSent({ by, head }: PreviewLink, stack: Stack | undefined): boolean {
  return by === "hook" || stack === undefined || Object.values(stack.metadata).includes(head);
}

async function loadFacts(
  deps: PreviewDeps,
  { stackId, owner, commands }: Pick<PreviewLink, "stackId" | "owner" | "commands">,
  { described, isSeen }: { readonly described: DescribedStack | undefined; readonly isSeen: boolean },
): Promise<PreviewFacts | undefined> {
  const { items } = await deps.queries.listHistory({ stackId, newestFirst: true }, LINES);
  if (described === undefined) {
    return isSeen || items.some(({ outcome }) => outcome === "removed") ? describeEnded(stackId) : undefined;
  }
  const { incarnation } = described.stack;
  // Sensitive outputs are references, which no report shows.
  const outputs = items
    .filter((line) => line.incarnation === incarnation)
    .map((line) => line.outputs)
    .filter(isMap);
  const failed = described.tasks.find(({ status }) => status === "ERROR")?.attempt;
  const log = failed?.hasLog === true ? await deps.findLogEnd(failed.attemptId) : undefined;
  const { canApprove, yardUrl } = deps;
  const actions = await deps.listLinks(described.stack);
  return describePreview({ described, outputs, owner, canApprove, yardUrl, actions, commands, ...defined({ log }) });
}
