import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandOutput, PluginCommandContext } from "@stackyard/core";
import { CHAT_CERTIFICATE, type ChatSim, startChatSim } from "@stackyard/host-sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNotifyTest } from "./notify-test.ts";
import { createPostJson } from "./post-json.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const projectDir = mkdtempSync(join(tmpdir(), "notify-test-"));

function findBlock(pattern: RegExp): string {
  const found = pattern.exec(readme)?.[1];
  if (found === undefined) throw new Error(`The README has no ${pattern}.`);
  return found;
}

let sim: ChatSim;
beforeAll(async () => {
  sim = await startChatSim();
  const channels = `channels:
  team: { type: slack, url: { env: SLACK }, allow: [127.0.0.0/8] }
  pager: { type: pagerduty, key: { env: PAGER }, url: "${sim.url}", allow: [127.0.0.0/8] }
`;
  const rules = `rules:
  - { name: leaked, when: "entry.to == 'LEAKED'", title: "\${metadata.url}", to: [team, pager] }
  - { name: letters, when: "notice.kind == 'dead-letter'", title: "\${notice.title}!", to: [team] }
`;
  const files = {
    "notifications.yaml": channels + rules,
    "broken.yaml": "channels: {}\nrules: []\n",
    "readme.yaml": findBlock(/```yaml\n# file: notifications\.yaml\n([\s\S]*?)```/),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(projectDir, name), text);
});
afterAll(async () => {
  await sim.stop();
  rmSync(projectDir, { recursive: true });
});

async function run(args: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string>> = {}) {
  const results: { value: unknown; text: string }[] = [];
  const notes: string[] = [];
  const out: CommandOutput = {
    result: (value, toText) => results.push({ value, text: toText() }),
    progress: () => undefined,
    note: (text) => notes.push(text),
  };
  const context: PluginCommandContext = {
    out,
    cwd: projectDir,
    projectDir,
    dataDir: projectDir,
    environment: { SLACK: `${sim.url}/hooks/slack`, PAGER: "k".repeat(32), ...environment },
    yards: {},
    server: { url: "http://127.0.0.1:1" },
    signal: new AbortController().signal,
  };
  const lookUp = async () => [{ address: "127.0.0.1", family: 4 }];
  const command = createNotifyTest(() => createPostJson({ lookUp, ca: CHAT_CERTIFICATE, timeoutMs: 5_000 }));
  const exitCode = await command.run(context, args);
  return { exitCode, notes, result: results[0]?.value, text: results[0]?.text };
}

describe("notify test", () => {
  it("sends an example on each channel of a rule, and says which of its values an example has not", async () => {
    const { exitCode, text, notes } = await run({ name: "leaked" });

    expect([exitCode, text]).toEqual([0, "team: sent\npager: sent"]);
    expect(notes).toEqual([expect.stringContaining("rules.leaked.title: ")]);
    expect(sim.messages).toHaveLength(1);
    expect(sim.alerts.size).toBe(1);
  });

  it("sends on one channel, and exits with 1 when it does not take it", async () => {
    const before = sim.messages.length;
    expect((await run({ name: "team" })).exitCode).toBe(0);
    expect(sim.messages).toHaveLength(before + 1);

    const { exitCode, result } = await run({ name: "pager" }, { PAGER: "short" });

    expect(exitCode).toBe(1);
    expect(result).toEqual({
      channels: [{ channel: "pager", outcome: "failed", reason: expect.stringContaining("400") }],
    });
  });

  it("prints with --dry-run, and needs no secrets for it", async () => {
    const before = sim.requests.length;

    const { exitCode, result } = await run({ name: "letters", dryRun: true }, { SLACK: "" });

    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      channels: [{ channel: "team", outcome: "printed", content: { text: "A test of Stackyard's notifications!" } }],
    });
    expect(sim.requests.length).toBe(before);
  });

  it.each(["team", "mail", "pager", "ci", "leaked", "needs-people"])(
    "prints %s of the README's document",
    async (name) => {
      expect((await run({ name, document: "readme.yaml", dryRun: true })).exitCode).toBe(0);
    },
  );

  it.each([
    [
      { name: "nothing" },
      "USAGE",
      '"nothing" is not a rule or channel of the document. It has: leaked, letters, team, pager.',
    ],
    [{ name: "team", document: "missing.yaml" }, "CONFIG_INVALID", "cannot be read"],
    [{ name: "team", document: "broken.yaml" }, "CONFIG_INVALID", "broken.yaml:1:11 channels: "],
  ])("refuses %j", async (args, code, message) => {
    await expect(run(args)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
