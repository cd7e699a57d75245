import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandOutput, PluginCommandContext } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { loadRecordedDeliveries } from "@stackyard/host-sim";
import { beforeAll, describe, expect, it } from "vitest";
import plugin from "./index.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const cwd = mkdtempSync(join(tmpdir(), "hosts-readme-"));
const commit = "1".repeat(40);

function findBlock(pattern: RegExp): string {
  const found = pattern.exec(readme)?.[1];
  if (found === undefined) throw new Error(`The README has no ${pattern}.`);
  return found;
}

/** A recorded pull request, changed to the one of the README. */
function toPayload(action: string, change: Record<string, unknown> = {}) {
  const recorded = loadRecordedDeliveries().find(
    ({ name, body }) => name === "pull_request" && Object(body).action === action,
  );
  const body = Object(structuredClone(recorded?.body));
  body.repository.full_name = "acme/shop";
  Object.assign(body.pull_request, { number: 7, labels: [{ name: "preview" }], ...change });
  body.pull_request.user.login = "octocat";
  body.pull_request.head.sha = commit;
  return body;
}

beforeAll(() => {
  const files = {
    "shop.yaml": findBlock(/```yaml\n# file: hooks\/shop\.yaml\n([\s\S]*?)```/),
    "empty.yaml": "",
    "keyless.yaml": "host: github\nmachine: preview\nstack: s\npull: { open: { send: OPENED } }\n",
    "broken.yaml": "host: github\nmachine: preview\nstack: s\nwhn: x\n",
    "opened.json": JSON.stringify(toPayload("opened")),
    "closed.json": JSON.stringify(toPayload("closed", { state: "closed" })),
    "pull.json": JSON.stringify(toPayload("opened").pull_request),
    "other.json": JSON.stringify(toPayload("opened", { number: 8 }).pull_request),
    "comment.json": JSON.stringify({
      action: "created",
      issue: { number: 7, pull_request: {} },
      comment: { id: 1, body: "/preview extend 2d" },
      repository: toPayload("opened").repository,
      sender: { id: 5, login: "octocat", type: "User" },
    }),
    "suite.json": JSON.stringify({
      action: "rerequested",
      check_suite: { id: 1, head_sha: commit, pull_requests: [] },
      repository: toPayload("opened").repository,
      sender: { id: 5, login: "octocat", type: "User" },
    }),
    "text.json": "hello",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
});

async function run({ machines, ...args }: Record<string, unknown> & Pick<PluginCommandContext, "machines">) {
  const results: { value: unknown; text: string }[] = [];
  const notes: string[] = [];
  const out: CommandOutput = {
    result: (value, toText) => results.push({ value, text: toText() }),
    progress: () => undefined,
    note: (text) => notes.push(text),
  };
  const command = plugin.commands.find(({ name }) => name === "hooks test");
  const context: PluginCommandContext = {
    out,
    cwd,
    projectDir: cwd,
    dataDir: cwd,
    environment: {},
    yards: {},
    ...(machines && { machines }),
    server: { url: "http://127.0.0.1:1" },
    signal: new AbortController().signal,
  };
  const exitCode = await command?.run(context, { document: "shop.yaml", ...args });
  return { exitCode, text: results[0]?.text, notes };
}

describe("hooks test", () => {
  it("says that pull requests have no checks where no commit key is found", async () => {
    const keyless = await run({ document: "keyless.yaml", payload: "opened.json" });

    expect(keyless.notes).toEqual([expect.stringContaining('Add "commit: KEY".')]);
    expect((await run({ payload: "opened.json" })).notes).toEqual([]);
  });

  it("prints what the README shows", async () => {
    const printed = findBlock(/```\n(OPENED {2}[\s\S]*?)\n```/);

    expect(await run({ payload: "opened.json" })).toEqual({ exitCode: 0, text: printed, notes: [] });
  });

  it("decides as if the stack existed", async () => {
    expect((await run({ payload: "opened.json", opened: commit })).text).toBe("No event. The stack needs no event.");
    expect((await run({ payload: "opened.json", opened: "2".repeat(40) })).text).toMatch(/^PUSHED {2}to shop-pr-7/);
    expect((await run({ payload: "closed.json", opened: commit })).text).toMatch(/^CLOSED {2}to shop-pr-7/);
  });

  it("reads a command with the pull request that it is about", async () => {
    const comment = { payload: "comment.json", event: "issue_comment" };

    expect((await run({ ...comment, pull: "pull.json" })).text).toMatch(/^EXTENDED[\s\S]* {2}seconds: 172800$/);
    expect((await run(comment)).text).toBe(
      "No event. The delivery has only the number 7 of the pull request. Pass the request with --pull.",
    );
    expect((await run({ ...comment, pull: "other.json" })).text).toBe(
      "No event. The delivery is about the pull request 7, and --pull has 8.",
    );
  });

  it("reads checks that are requested again with the pull request of their commit", async () => {
    const suite = { payload: "suite.json", event: "check_suite" };

    expect((await run({ ...suite, pull: "pull.json", opened: commit })).text).toMatch(/^PUSHED {2}to shop-pr-7/);
    expect((await run(suite)).text).toBe(
      `No event. The delivery has only the commit ${commit}. Pass a pull request that has this head with --pull.`,
    );
  });

  it.each([
    [{ document: "broken.yaml", payload: "opened.json" }, "CONFIG_INVALID", 'broken.yaml:4:6 whn: Unknown key "whn".'],
    [{ document: "empty.yaml", payload: "opened.json" }, "CONFIG_INVALID", "empty.yaml:1:1 The document must be"],
    [{ document: "missing.yaml", payload: "opened.json" }, "USAGE", '"missing.yaml" cannot be read.'],
    [{ payload: "text.json" }, "USAGE", '"text.json" is not JSON.'],
    [{ payload: "opened.json", pull: "opened.json" }, "USAGE", "is not a pull request of GitHub's API"],
  ])("refuses %j", async (args, code, message) => {
    await expect(run(args)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("compares the document with the machine of the project [static-web-apps#873]", async () => {
    const { machine } = parseMachine("{ version: 2, events: [OPENED, PUSHED], states: { INIT: {} } }", {
      name: "preview",
    });
    if (machine === undefined) throw new Error("The machine has problems.");
    const machines = { find: async () => ({ kind: "found", machine }) as const };

    await expect(run({ payload: "opened.json", machines })).rejects.toThrow(
      'pull.closed.send: Machine "preview" declares no event "CLOSED".',
    );
  });

  it("ignores deliveries of other events", async () => {
    expect((await run({ payload: "opened.json", event: "star" })).text).toBe(
      'No event. Stackyard does not handle the event "star".',
    );
  });
});
