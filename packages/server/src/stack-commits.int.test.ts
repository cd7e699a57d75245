import {
  type CommitList,
  type CommitQuery,
  defineExecutor,
  failed,
  type PluginService,
  succeeded,
} from "@stackyard/core";
import type { StackCommits } from "@stackyard/core/api";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SOURCE = `
version: 2
metadata: { token: { sensitive: true } }
events: { PUSHED: { metadata: [sha] } }
states:
  INIT: { on: { PUSHED: REVIEW } }
  REVIEW: { tasks: [sign-off], on: { NEXT: DEPLOY, PUSHED: REVIEW } }
  DEPLOY: { tasks: [app], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { PUSHED: REVIEW } }
  BROKEN: { on: { PUSHED: REVIEW } }
tasks:
  sign-off: { executor: approval, config: { from: [team], own: true } }
  app: { executor: script, config: { sha: "\${metadata.sha}" } }
`;
const PULL = "https://git.example.org/acme/shop/pull/7";
const at = (digit: number) => `${digit}`.padEnd(40, "c");

/** Commits of 6 and more fail. */
const script = defineExecutor({
  name: "script",
  config: Type.Object({ sha: Type.String() }),
  start: async (_, { sha }) =>
    sha < "6" ? succeeded({}) : failed({ code: "NO_ROOM", message: "No room.", retryable: false }),
});

let yard: TestYard;
afterEach(() => yard.stop());

function start(list?: PluginService["listCommits"], source = SOURCE): CommitQuery[] {
  const asked: CommitQuery[] = [];
  const listCommits: NonNullable<PluginService["listCommits"]> = async (query, deps, signal) => {
    asked.push(query);
    return list?.(query, deps, signal);
  };
  yard = createTestYard({
    executor: script,
    source,
    local: { name: "ada", groups: ["team"] },
    deps: { services: [{ name: "other" }, { name: "hub", listCommits }] },
  });
  yard.run();
  return asked;
}

let sent = 0;
async function push(sha: string, more: object = {}) {
  sent += 1;
  const metadata = { sha, pull: PULL, ...more };
  await yard.call("/v1/events", {
    body: {
      ...{ id: `e${sent}`, event: "PUSHED", stackId: "web", machine: "review-app" },
      ...{ metadata, commit: { id: sha, key: "sha" } },
    },
  });
  await eventually(async () =>
    expect(await yard.json("/v1/stacks/web")).toMatchObject({ state: "REVIEW", metadata: { sha } }),
  );
}

async function approve(state: string) {
  const body = { as: "succeeded", task: "sign-off", reason: "tried", approval: true };
  await yard.call("/v1/stacks/web/settle", { body });
  await eventually(async () => expect(await yard.json("/v1/stacks/web")).toMatchObject({ state }));
}

const load = () => yard.json<StackCommits>("/v1/stacks/web/commits?task=sign-off");
const COMMITS: CommitList = { kind: "commits", commits: [{ id: at(3), subject: "Carts" }], isCut: false, dropped: 0 };

describe("the commits of a stack", () => {
  it("are those since its last success, over what failed or was never approved (sfdx-git-delta#592)", async () => {
    const asked = start(async () => COMMITS);
    await push(at(1));
    expect(await load()).toEqual({});
    await approve("LIVE");
    await push(at(7));
    await approve("BROKEN");
    await push(at(8));
    await push(at(3));

    const found = await load();

    expect(found).toMatchObject({
      since: { kind: "success", at: expect.any(String) },
      before: at(1),
      now: at(3),
      compareUrl: `https://git.example.org/acme/shop/compare/${at(1)}...${at(3)}`,
      commits: [{ id: at(3), subject: "Carts" }],
    });
    expect(asked).toEqual([{ repositoryUrl: "https://git.example.org/acme/shop", before: at(1), now: at(3) }]);
    await approve("LIVE");
    await push(at(3));
    expect(await load()).toEqual({ since: { kind: "success", position: expect.any(Number), at: expect.any(String) } });
  });

  it("know no success of a run that was left before its tasks had ended", async () => {
    start(undefined, SOURCE.replace("tasks: [app], on: {", "tasks: [sign-off], on: { PUSHED: REVIEW,"));
    await push(at(1));
    await approve("DEPLOY");
    await push(at(2));

    expect(await load()).toEqual({});
  });

  it("are only compared where no service knows the host, one fails, or has a reason (wpt.fyi#4799)", async () => {
    let answer: () => Promise<CommitList | undefined> = async () => undefined;
    start(() => answer());
    await push(at(1));
    await approve("LIVE");
    await push(at(2));
    const reasons = [];

    reasons.push(await load());
    answer = () => Promise.reject(new Error("socket closed"));
    reasons.push(await load());
    answer = async () => ({ kind: "unknown", reason: "The token is not valid any more." });
    reasons.push(await load());

    expect(reasons.map(({ unknown }) => unknown)).toEqual([
      "No code host of the plugin @stackyard/hosts is at git.example.org.",
      "The code host cannot be read: socket closed",
      "The token is not valid any more.",
    ]);
    expect(reasons.every(({ compareUrl }) => compareUrl?.endsWith(`${at(1)}...${at(2)}`))).toBe(true);
  });

  it("wait five seconds for a host that does not answer, and end its request (huboard#715)", async () => {
    let signal: AbortSignal | undefined;
    start((_query, _deps, given) => {
      signal = given;
      return new Promise(() => {});
    });
    await push(at(1));
    await approve("LIVE");
    await push(at(2));

    expect(await load()).toMatchObject({ unknown: "The code host did not answer within 5 s.", before: at(1) });
    expect(signal?.aborted).toBe(true);
  });

  it("name no host and no sensitive value that the metadata has", async () => {
    const asked = start(async () => COMMITS);
    await push(at(1), { pull: "no address", token: "a".repeat(40) });
    await approve("LIVE");
    await push(at(2), { pull: "no address", token: "b".repeat(40) });

    const found = await load();

    expect(found.unknown).toBe("No address in the metadata says which code host has them.");
    expect(asked).toEqual([]);
    expect(JSON.stringify(found)).not.toMatch(/a{40}|b{40}/);
    expect(await yard.json("/v1/stacks/none/commits")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
  });
});
