import { defineCommand, defined, listPages, type PluginCommandContext } from "@stackyard/core";
import type { Service, StackPreview } from "@stackyard/core/api";
import { createHttpClient, formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";

interface Finding {
  /** A service of this plugin, or a stack. */
  readonly subject: string;
  readonly since: string;
  readonly reason: string;
}

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
    const { out } = context;
    const items = [...(await listFailures(context)), ...(await listFaulty(context))];
    if (items.length === 0) out.note("All code hosts can be read, and all previews are what their pull requests need.");
    const rows = items.map(({ subject, since, reason }) => [subject, since, reason]);
    out.result({ items }, () => formatTable([["OF", "SINCE", "WHY"], ...rows], defined({ columns: out.columns })));
    return items.length === 0 ? 0 : 1;
  },
});

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
      : [{ subject: `service ${name}`, since: failure.firstAt, reason: failure.message }],
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
      const place = `${pull.repository.fullName}#${pull.number}`;
      if (fault === undefined) continue;
      found.push({ subject: `stack ${stackId}`, since: fault.since, reason: `${place}: ${fault.reason}` });
    }
  }
  return found;
}
