import { type CommitList, type CommitQuery, type ServiceDeps, silentLogger } from "@stackyard/core";
import {
  APP_ID,
  APP_KEY,
  GITLAB_TOKEN,
  type GitLabSim,
  type HostSim,
  type SimCommit,
  startGitLabSim,
  startHostSim,
} from "@stackyard/host-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHostsServices } from "./hosts-service.ts";

const SECRET = [{ env: "SECRET" }];
const at = (number: number) => number.toString(16).padStart(40, "0");

/** A line of commits from 1 to the number, and one next to it that begins at the third. */
function toHistory(length: number): readonly SimCommit[] {
  const line = Array.from({ length }, (_, index) => ({
    id: at(index + 1),
    ...(index > 0 && { parent: at(index) }),
    message: `Change ${index + 1}\n\nWhy it is so.`,
  }));
  const beside = { id: "b".repeat(40), parent: at(3), message: "Hot fix", author: "ada", at: "2026-11-20T02:00:00Z" };
  return [...line, beside, { id: "c".repeat(40), message: "Another root" }];
}

let github: HostSim;
let gitlab: GitLabSim;
let now: number;
beforeEach(async () => {
  now = Date.now();
  [github, gitlab] = await Promise.all([
    startHostSim({ secret: "s", now: () => now }),
    startGitLabSim({ secret: "s", now: () => now }),
  ]);
  github.addRepository("acme/shop");
  github.addHistory("acme/shop", toHistory(130));
  gitlab.commits.push(...toHistory(130));
});
afterEach(() => Promise.all([github.stop(), gitlab.stop()]));

type Kind = "github" | "gitlab";

/** The hosts, with or without an App or a token; `commits` are the repositories that may be listed. */
function createLister(commits: readonly string[] = ["acme/*"], hasKey = true) {
  const key = { env: "KEY" };
  const token = { env: "TOKEN" };
  const [service] = createHostsServices(
    {
      hosts: {
        hub: {
          type: "github",
          url: github.url,
          secrets: SECRET,
          commits: [...commits],
          ...(hasKey && { appId: APP_ID, key }),
        },
        lab: { type: "gitlab", url: gitlab.url, secrets: SECRET, commits: [...commits], ...(hasKey && { token }) },
        ci: { type: "standard", secrets: SECRET },
      },
    },
    { projectDir: "/" },
  );
  const deps: Pick<ServiceDeps, "clock" | "logger" | "readSecret"> = {
    clock: { now: () => now, sleep: async () => undefined },
    logger: silentLogger,
    readSecret: async (reference) => ("env" in reference && reference.env === "KEY" ? APP_KEY : GITLAB_TOKEN),
  };
  return (kind: Kind, range: Partial<CommitQuery> = {}, signal = new AbortController().signal) => {
    const repositoryUrl = `${kind === "github" ? github.url : gitlab.url}/acme/shop`;
    const query = { repositoryUrl, before: at(2), now: at(4), ...range };
    // A service gets more; this part needs no more.
    return service?.listCommits?.(query, deps as ServiceDeps, signal);
  };
}

const KINDS: readonly Kind[] = ["github", "gitlab"];
const reasonOf = (found: CommitList | undefined) => (found?.kind === "unknown" ? found.reason : undefined);

describe.each(KINDS)("the commits between two versions at %s", (kind) => {
  it("are listed with subject, author and time, the oldest first (shipit-engine#47)", { tags: "adapter" }, async () => {
    const found = await createLister()(kind);

    expect(found).toMatchObject({ kind: "commits", isCut: false, dropped: 0 });
    expect(found?.kind === "commits" && found.commits.map(({ id, subject }) => [id, subject])).toEqual([
      [at(3), "Change 3"],
      [at(4), "Change 4"],
    ]);
    expect(found?.kind === "commits" && found.commits[0]).toMatchObject({
      author: expect.any(String),
      at: "2026-01-01T00:00:00Z",
      url: expect.stringContaining(`/commit/${at(3)}`),
    });
  });

  it("are read by the former name of a repository, before and after it is used (git-machete#1212)", async () => {
    const list = createLister();
    await list(kind, { before: at(1) });
    github.renameRepository("acme/shop", "acme/store");
    gitlab.move("acme/store");

    for (const each of [list, createLister()]) {
      const found = await each(kind);

      expect(found?.kind === "commits" && found.commits.map(({ id }) => id)).toEqual([at(3), at(4)]);
    }
  });

  it("are not read where a repository was moved to a place that the options do not name", async () => {
    const list = createLister(["acme/shop"]);
    await list(kind, { before: at(1) });
    github.renameRepository("acme/shop", "acme/store");
    gitlab.move("acme/store");
    const requests = [...github.requests, ...gitlab.requests].length;

    expect(reasonOf(await list(kind))).toBe(
      `acme/shop was moved, and the option "commits" of the code host "${kind === "github" ? "hub" : "lab"}" does not name its new place.`,
    );
    const read = [...github.requests, ...gitlab.requests].slice(requests);
    expect(read.filter((request) => /compare|commits/.test(request))).toEqual([]);
  });

  it("are not listed where an older version comes back, and those are counted that go (whatsdeployed#97)", async () => {
    const list = createLister();

    expect(await list(kind, { before: at(7), now: at(4) })).toEqual({
      kind: "commits",
      commits: [],
      isCut: false,
      dropped: 3,
    });
    expect(await list(kind, { before: "b".repeat(40), now: at(5) })).toMatchObject({
      commits: [{ id: at(4) }, { id: at(5) }],
      dropped: 1,
    });
  });

  it("end after a hundred, and say so (Mergifyio/mergify#4677)", async () => {
    const found = await createLister()(kind, { before: at(1), now: at(130) });

    expect(found?.kind === "commits" && [found.commits.length, found.isCut]).toEqual([100, true]);
  });

  it.each([
    ["a commit that a force push has removed (fork-cleaner#31)", { before: "d".repeat(40) }],
    ["a commit without a common ancestor (qontract-reconcile#4322)", { before: "c".repeat(40) }],
  ])("are unknown for %s", async (_what, range) => {
    expect(reasonOf(await createLister()(kind, range))).toMatch(/^acme\/shop does not have both commits any more/);
  });

  it("are read only where the options name the repository: metadata is not trusted", async () => {
    const requests = () => github.requests.length + gitlab.requests.length;
    const before = requests();

    expect(reasonOf(await createLister(["acme/web"])(kind))).toBe(
      `The option "commits" of the code host "${kind === "github" ? "hub" : "lab"}" does not name acme/shop.`,
    );
    expect(requests()).toBe(before);
    expect(reasonOf(await createLister(["acme/*"], false)(kind))).toMatch(/has no token or App to read with\.$/);
  });

  it("are requested once a minute, however many people look at them (gitpod#1257)", async () => {
    const list = createLister();
    await list(kind);
    const before = github.requests.length + gitlab.requests.length;

    await Promise.all([list(kind), list(kind), list(kind)]);

    expect(github.requests.length + gitlab.requests.length).toBe(before);
  });

  it.each([
    [401, /is not valid any more\.$/],
    [403, /may not read the commits of acme\/shop\.$/],
    [503, /does not answer\.$/],
  ])("are unknown with the reason when the host answers %i (wpt.fyi#4799)", async (status, reason) => {
    github.settings.requestFault = (_, path) => (path.includes("/compare/") ? { status } : undefined);
    gitlab.settings.fault = () => ({ status });

    expect(reasonOf(await createLister()(kind))).toMatch(reason);
  });

  it("end when no one waits any more (huboard#715)", async () => {
    const stop = new AbortController();
    stop.abort();

    const [ended] = await Promise.allSettled([createLister()(kind, {}, stop.signal)]);

    expect(ended).not.toMatchObject({ value: { kind: "commits" } });
  });
});

it("is not a service for other addresses, also those that only begin alike", async () => {
  const list = createLister();

  for (const repositoryUrl of ["https://example.org/acme/shop", `${github.url}.example.org/acme/shop`]) {
    expect(await list("github", { repositoryUrl })).toBeUndefined();
  }
  for (const path of ["/acme", "/acme/../shop", "/acme/shop/x", "/../acme/shop"]) {
    expect(await list("github", { repositoryUrl: github.url + path })).toBeUndefined();
  }
});
