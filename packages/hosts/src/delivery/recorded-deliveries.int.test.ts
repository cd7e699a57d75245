import { listHookDeliveries } from "@stackyard/core/services";
import { loadRecordedDeliveries } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import type { StoredPull } from "../pull/pull-records.ts";
import { createHostsBench, NOW, SECRET, signedByGitHub } from "../testing/hosts-bench.ts";

// What GitHub has sent, and bodies of GitLab as its documentation has them: in order, reversed and doubled.

const PULL = "pull: { open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }";
const toDocument = (host: string) =>
  `host: ${host}\nwhen: "true"\nmachine: preview\nstack: "pr-\${hook.repository.id}-\${hook.pull.number}"\nforks: allow\n${PULL}\n`;

type Bench = ReturnType<typeof createHostsBench>;
const benches: Bench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});

interface Sent {
  readonly event: string;
  readonly id: string;
  readonly body: string;
}

const ORDERS: readonly (readonly [string, (sent: readonly Sent[]) => readonly Sent[]])[] = [
  ["in order", (sent) => sent],
  ["reversed", (sent) => sent.toReversed()],
  ["doubled, in reverse", (sent) => [...sent, ...sent.toReversed().map((each) => ({ ...each, id: `${each.id}-2` }))]],
];

/** Sends deliveries, decides about them, and returns the answers and the records of pull requests. */
async function play(
  bench: Bench,
  path: string,
  sent: readonly Sent[],
  toHeaders: (each: Sent) => Record<string, string>,
) {
  const { post, tick } = bench.start();
  const statuses = [];
  for (const each of sent) {
    statuses.push((await post(each.body, toHeaders(each), path)).status);
    await tick();
  }
  const { clock, store } = bench;
  // No engine decides: a close that is taken back waits for two minutes.
  for (let waited = 0; waited < 6; waited += 1) {
    await clock.advance(60_000);
    await tick();
  }
  const { items } = await store.records.list("hooks/pulls/", { limit: 500, now: clock.now() });
  const phases = Object.fromEntries(items.map(({ key, value }) => [key.slice(12), (value as StoredPull).phase]));
  return { statuses, phases };
}

describe.each(ORDERS)("recorded deliveries %s", (_, order) => {
  it("of GitHub have no server error and end at the last state of each pull request", async () => {
    const ends: Record<string, string> = {};
    const sent = loadRecordedDeliveries().map(({ name, body }, index): Sent => {
      const fresh = structuredClone(body);
      const { pull_request: pull, repository } = Object(fresh);
      if (name === "pull_request") {
        pull.updated_at = new Date(NOW + index * 1_000).toISOString();
        ends[`github/${repository.id}/${pull.number}`] = pull.state === "open" ? "open" : "none";
      }
      return { event: name, id: `recorded-${index}`, body: JSON.stringify(fresh) };
    });
    const bench = createHostsBench({ document: toDocument("github") });
    benches.push(bench);

    const { statuses, phases } = await play(bench, "/hooks/github", order(sent), ({ body, id, event }) =>
      signedByGitHub(body, id, event),
    );

    expect(statuses.filter((status) => status >= 400)).toEqual([]);
    expect(Object.keys(ends).length).toBeGreaterThan(0);
    expect(phases).toEqual(ends);
    const { items } = await listHookDeliveries({ records: bench.store.records, clock: bench.clock }, { limit: 500 });
    expect(items.filter(({ outcome }) => outcome === undefined)).toEqual([]);
  });

  it("of GitLab have no server error and end at the last state of each merge request", async () => {
    const bench = createHostsBench({
      document: toDocument("gitlab"),
      options: { hosts: { gitlab: { type: "gitlab", secrets: [{ env: "SECRET" }] } } },
    });
    benches.push(bench);

    const { statuses, phases } = await play(bench, "/hooks/gitlab", order(listGitLabDeliveries()), ({ id }) => ({
      "x-gitlab-token": SECRET,
      "x-gitlab-event-uuid": id,
    }));

    expect(statuses.filter((status) => status >= 400)).toEqual([]);
    expect(phases).toEqual({ "gitlab/1/1": "none", "gitlab/1/2": "open", "gitlab/1/3": "none", "gitlab/1/4": "open" });
  });
});

const project = {
  id: 1,
  path_with_namespace: "gitlabhq/gitlab-test",
  web_url: "http://example.com/gitlabhq/gitlab-test",
};
const user = { id: 1, name: "Administrator", username: "root" };

/** Shaped as the bodies under "Webhook events" of GitLab's documentation. */
function listGitLabDeliveries(): readonly Sent[] {
  const head = (digit: number) => ({ id: String(digit).repeat(40) });
  const merge = (iid: number, action: string, over: object = {}) => ({
    object_kind: "merge_request",
    user,
    project,
    labels: [],
    object_attributes: {
      iid,
      action,
      state: action === "close" ? "closed" : action === "merge" ? "merged" : "opened",
      title: "MS-Viewport",
      url: `http://example.com/diaspora/merge_requests/${iid}`,
      author_id: 51,
      source_branch: "ms-viewport",
      target_branch: "master",
      source_project_id: 1,
      target_project_id: 1,
      last_commit: head(1),
      ...over,
    },
  });
  const push = {
    object_kind: "push",
    ref: "refs/heads/master",
    after: "1".repeat(40),
    user_id: 4,
    user_username: "j",
    project,
  };
  const note = {
    object_kind: "note",
    user,
    project,
    object_attributes: { id: 7, note: "Looks good", noteable_type: "MergeRequest" },
    merge_request: { iid: 1 },
  };
  const nameless = { ...merge(4, "open"), user: { name: "Administrator", username: "root" } };
  const bodies = [
    merge(1, "open"),
    merge(2, "open"),
    merge(1, "update", { oldrev: "1".repeat(40), last_commit: head(2) }),
    push,
    note,
    merge(3, "open"),
    merge(1, "close"),
    merge(2, "close"),
    merge(2, "reopen"),
    merge(3, "close", { last_commit: null }),
    nameless,
    merge(1, "reopen", { last_commit: head(3) }),
    merge(1, "merge", { last_commit: head(3) }),
    { object_kind: "pipeline" },
  ];
  return bodies.map((body, index) => {
    const timed =
      "labels" in body
        ? {
            ...body,
            object_attributes: { ...body.object_attributes, updated_at: new Date(NOW + index * 1_000).toISOString() },
          }
        : body;
    return { event: "", id: `gitlab-${index}`, body: JSON.stringify(timed) };
  });
}
