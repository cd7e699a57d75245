import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Hook } from "./delivery/hook.ts";
import { parseGitHubDelivery } from "./github/parse-delivery.ts";
import { applyRules, findMapping } from "./mapping/apply-mapping.ts";
import { parseMapping } from "./mapping/mapping.ts";
import { toCommit } from "./testing/builders.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/promotion-recipes.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml(?: fragment)?\n(.*?)^```$/gms)].map(([, block = ""]) => block);

/** Returns the events that a document of the page makes of a hook. */
function eventsOf(name: string, hook: Hook) {
  const text = blocks.find((block) => block.startsWith(`# file: hooks/${name}.yaml\n`)) ?? "";
  const { mapping, problems } = parseMapping(text, name);
  expect(problems).toEqual([]);
  const found = mapping === undefined ? undefined : findMapping([mapping], mapping.host, { hook });
  if (found?.kind !== "matched") return found;
  const applied = applyRules(found.match, hook);
  return applied.kind === "events" ? applied.events : applied;
}

const released = { machine: "shop-release", event: "RELEASED", stackId: "shop-1.42.0", metadata: { api: "1.42.0" } };

describe("the recipes that start a release", () => {
  const push = (ref: string) =>
    parseGitHubDelivery("push", {
      ref,
      after: toCommit(1),
      deleted: false,
      repository: { id: 424_242, full_name: "acme/shop", html_url: "https://github.com/acme/shop" },
      sender: { id: 583_231, login: "octocat", type: "User" },
    });

  it("start one for each tag, with its version in the stack's id, and none for a branch", () => {
    const tag = push("refs/tags/1.42.0");
    const branch = push("refs/heads/1.42.0");

    expect(tag.kind === "hook" && eventsOf("tags", tag.hook)).toEqual([{ ...released, rule: "tagged" }]);
    expect(branch.kind === "hook" && eventsOf("tags", branch.hook)).toBeUndefined();
  });

  it("start one for a message of CI by Standard Webhooks", () => {
    const sender = { id: "ci", name: "ci", bot: true };
    const data = { type: "built", version: "1.42.0" };

    expect(eventsOf("builds", { kind: "message", action: "built", data, sender })).toEqual([
      { ...released, rule: "built" },
    ]);
  });
});
