import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sendPullRequest } from "@stackyard/host-sim";
import { afterAll, describe, expect, it, vi } from "vitest";
import { repositoryRoot } from "../published-packages.ts";
import { findShellBlocks, type ShellBlock } from "../shell-blocks.ts";
import { createProject, hasPrograms, type PlayedProject } from "../testing/played-project.ts";

// Plays docs/previews.md: the preview that a person sends, the approval, and the one of a pull request of a simulated GitHub.

const PAGE = "docs/previews.md";
const blocks = findShellBlocks(PAGE, readFileSync(join(repositoryRoot, PAGE), "utf8"));
const SECRET = "only-to-try-it-out";

/** Signs in with the address of `stackyard dev`, and approves what the stack asks for, as a person does in the console. */
async function approve(project: PlayedProject): Promise<void> {
  const { url, signInUrl } = project.yard();
  const post = async (path: string, body: URLSearchParams | string, headers: Readonly<Record<string, string>>) => {
    const own = { ...headers, "sec-fetch-site": "same-origin", origin: url };
    const response = await fetch(`${url}${path}`, { method: "POST", body, headers: own, redirect: "manual" });
    expect([path, response.status < 400]).toEqual([path, true]);
    return response;
  };
  const code = new URL(signInUrl).searchParams.get("code") ?? "";
  const signedIn = await post("/auth/local", new URLSearchParams({ code }), { accept: "text/html" });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  const [asked = ""] = (await project.run("stackyard approvals ls --json")).split("\n");
  const { id, of } = JSON.parse(asked);
  const body = JSON.stringify({ id: randomUUID(), of });
  await post(`/v1/approvals/${encodeURIComponent(id)}/approve`, body, { cookie, "content-type": "application/json" });
}

type Step = "start" | "restart" | "open" | "close" | "approve" | "play" | "skip";

/** Returns what a reader does at a block. */
function toStep({ note, text }: ShellBlock): Step {
  if (/^\s*npx --no stackyard dev/m.test(text)) return text.includes(SECRET) ? "restart" : "start";
  if (note === "play=clone") return text.includes("-- open") ? "open" : "close";
  if (note !== "play") return "skip";
  return text.includes("PUSHED") ? "approve" : "play";
}

describe.runIf(hasPrograms("terraform"))("docs/previews.md (skipped without Terraform)", () => {
  const project = createProject("previews");
  afterAll(project.remove);

  const isIn = (state: string) => async () =>
    (await project.run("stackyard stacks ls --json")).includes(`"state":"${state}"`);
  const wait = (state: string) => vi.waitUntil(isIn(state), { timeout: 120_000, interval: 300 });

  const played: string[] = [];
  const webhooks: number[] = [];
  const groups = ["--groups", "reviewers"];

  async function sendWebhook(action: "open" | "close"): Promise<void> {
    const { url } = project.yard();
    webhooks.push(await sendPullRequest({ action, commit: "first", secret: SECRET, server: url }));
  }

  const steps: Readonly<Record<Step, (text: string) => Promise<unknown>>> = {
    start: () => project.startYard(groups),
    restart: () => project.startYard(groups, { GITHUB_WEBHOOK_SECRET: SECRET }),
    open: () => sendWebhook("open").then(() => wait("LIVE")),
    close: async () => {
      await sendWebhook("close");
      const isGone = async () => (await project.run("stackyard stacks ls --json")) === "";
      await vi.waitUntil(isGone, { timeout: 120_000, interval: 300 });
    },
    approve: async (text) => {
      played.push(await project.run(text));
      await approve(project);
      await wait("LIVE");
    },
    play: async (text) => played.push(await project.run(text)),
    skip: async () => undefined,
  };

  it("leads from the first preview to one that a pull request opens and closes", { timeout: 400_000 }, async () => {
    for (const block of blocks) await steps[toStep(block)](block.text);

    expect(webhooks).toEqual([202, 202]);
    expect(played.length).toBe(5);
    expect(played[3]).toMatch(/pull\.opened[\s\S]*shop-pr-1[\s\S]*LIVE[\s\S]*[0-9a-f]{40}/);
    expect(played[4]).toContain("removed");
  });
});
