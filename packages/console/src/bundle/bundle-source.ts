import { type StackBundle, StackyardApiError } from "@stackyard/sdk";
import type { StackSource } from "../stack/source.ts";

/** Creates the source of a stack from the file of a bundle. Fetches nothing. */
export function createBundleSource(bundle: StackBundle): StackSource {
  const { stackId, stack, graph, history, attempts, revisions, createdAt } = bundle;
  return {
    stackId,
    path: "/bundle",
    refusal: "This is the file of a bundle",
    key: (part, filter = {}) => ["bundle", stackId, createdAt, part, filter],
    loadDetails: async () => stack ?? throwMissing(`The stack "${stackId}" was removed before the bundle was made.`),
    loadHistory: async ({ cursor = "0", limit }) => {
      const start = Number(cursor);
      const end = start + limit;
      return { items: history.slice(start, end), ...(end < history.length && { cursor: String(end) }) };
    },
    loadAttempts: async () => attempts,
    loadLogTail: async (attemptId) =>
      attempts.find((attempt) => attempt.attemptId === attemptId)?.log ?? throwMissing("The bundle has no log of it."),
    loadGraph: async () =>
      graph ?? throwMissing("The bundle has no graph of the machine. Its text is on the tab Machine."),
    loadRevision: async (hash) =>
      revisions.find((revision) => revision.hash === hash)?.source ?? throwMissing("The bundle has no such revision."),
  };
}

/** Throws the API's error for something that does not exist. */
function throwMissing(detail: string): never {
  throw new StackyardApiError({ status: 404, title: "Not found", code: "NOT_FOUND", detail, retryable: false });
}
