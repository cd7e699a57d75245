import { type HostSim, startHostSim, USER_TOKEN } from "@stackyard/host-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGitHubKit } from "./github-kit.ts";
import { runKit } from "./run-kit.ts";

let github: HostSim;
beforeEach(async () => {
  github = await startHostSim({ secret: "unused", now: Date.now });
});
afterEach(() => github.stop());

function run({ token = USER_TOKEN, waitMs = 20_000, signal = new AbortController().signal } = {}) {
  const kit = createGitHubKit({ organization: "acme", token, endpoint: github.url, waitMs });
  return runKit(kit, { signal, say: () => undefined, confirm: async () => true, pauseMs: 0 });
}

const countDeleted = () => github.requests.filter((request) => /^DELETE .*\/repos\/acme\//.test(request)).length;
const countCreated = () => github.requests.filter((request) => request === "POST /api/v3/orgs/acme/repos").length;

describe("the kit of GitHub", () => {
  it("comments on a pull request, answers a command, and removes the repository", async () => {
    const report = await run();

    expect(report?.checks.map(({ passed, observed }) => ({ passed, observed }))).toEqual([
      { passed: true, observed: expect.stringContaining("/pull/1#issuecomment-") },
      { passed: true, observed: "+1" },
      { passed: true, observed: expect.stringContaining("/pull/1#issuecomment-") },
    ]);
    expect(report).toMatchObject({
      end: "done",
      left: [],
      removed: [expect.stringMatching(/^private repository acme/)],
    });
    expect(countDeleted()).toBe(1);
  });

  it("says which check failed, and removes the repository", async () => {
    github.settings.requestFault = (method, path) =>
      method === "POST" && path.endsWith("/reactions") ? { status: 500 } : undefined;

    const report = await run({ waitMs: 8_000 });

    expect(report).toMatchObject({ end: "failed", left: [] });
    expect(report?.checks.map(({ passed }) => passed)).toEqual([true, false, expect.any(Boolean)]);
    expect(countDeleted()).toBe(1);
  });

  it("removes the repository after Ctrl-C", async () => {
    const interrupt = new AbortController();
    github.settings.intercept = async ({ operation }, proceed) => {
      const answer = await proceed();
      if (operation.includes("/pulls")) interrupt.abort(new Error("Ctrl-C"));
      return answer;
    };

    expect(await run({ signal: interrupt.signal })).toMatchObject({ end: "interrupted", checks: [], left: [] });
    expect(countDeleted()).toBe(1);
  });

  it.each(["", "wrong"])("makes nothing with the token '%s'", async (token) => {
    await expect(run({ token })).rejects.toThrow(token === "" ? "No token of GitHub. Set GITHUB_TOKEN." : "401");
    expect(countCreated()).toBe(0);
  });
});
