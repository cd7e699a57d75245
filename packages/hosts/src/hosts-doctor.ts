import { defineCommand, defined, listPages, type PluginCommandContext } from "@stackyard/core";
import type { Service, StackPreview } from "@stackyard/core/api";
import { createHttpClient, type Finding, fail, ok, reportFindings } from "@stackyard/sdk/commands";
import { Type } from "typebox";

/** `stackyard hosts doctor`: what code hosts refuse, and previews that nothing ends by itself. */
export const hostsDoctor = defineCommand({
  name: "hosts doctor",
  summary:
    "List what keeps the yard from following its code hosts, and previews that are not what their pull requests need.",
  description:
    "Exits with 1 if there is any. Such previews are kept: the host does not show the pull request, its host or document is not configured, or the yard refuses an event.",
  examples: {
    "stackyard hosts doctor": "List services of code hosts that fail, and stacks of pull requests with faults.",
  },
  args: Type.Object({}),
  async run(context: PluginCommandContext) {
    const found = [...(await listFailures(context)), ...(await listFaulty(context))];
    const none = ok("hosts", "All code hosts can be read, and all previews are what their pull requests need.");
    return reportFindings(found.length === 0 ? [none] : found, context.out);
  },
});

const SERVICE_HINT = "Correct the cause. The server retries automatically.";
const PREVIEW_HINT = "The preview stays as it is until the cause is corrected.";

function open({ server: { url, token } }: PluginCommandContext) {
  return createHttpClient({ url, ...defined({ token }), retries: 1 });
}

async function listFailures(context: PluginCommandContext): Promise<readonly Finding[]> {
  const { signal } = context;
  const { items } = await open(context).requestJson<{ items: readonly Service[] }>({
    path: ["v1", "services"],
    signal,
  });
  return items.flatMap(({ name, failure }) =>
    failure === undefined || !/^hosts(-|$)/.test(name)
      ? []
      : [fail("services", `${name} has failed since ${failure.firstAt}: ${failure.message}`, SERVICE_HINT)],
  );
}

async function listFaulty(context: PluginCommandContext): Promise<readonly Finding[]> {
  const http = open(context);
  const { signal } = context;
  const found: Finding[] = [];
  const pages = listPages((start) =>
    http.requestJson<{ items: readonly StackPreview[]; cursor?: string }>({
      path: ["v1", "previews"],
      query: { faulty: "true", limit: 100, ...start },
      signal,
    }),
  );
  for await (const { items } of pages) {
    for (const { stackId, fault, pull } of items) {
      if (fault === undefined) continue;
      const place = `${stackId} of ${pull.repository.fullName}#${pull.number}`;
      found.push(fail("previews", `${place}, since ${fault.since}: ${fault.reason}`, PREVIEW_HINT));
    }
  }
  return found;
}
