import type { Approval, HistoryEntry, StackCommits, StackDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { queryClient } from "../api/client.ts";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { HOSTILE, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { ApprovalPage } from "./approval-page.tsx";
import { ApprovalsPage } from "./approvals-page.tsx";

const approval: Approval = {
  id: "web-prod/1/3/sign-off/a",
  stackId: "web-prod",
  machine: "web",
  state: "REVIEW",
  task: "sign-off",
  from: ["release-managers"],
  count: 2,
  need: 1,
  own: false,
  comment: "required",
  of: "sha256:4f1c",
  askedBy: { kind: "person", id: "p1", name: "cleo" },
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2099-11-20T06:00:00Z",
  given: [{ by: { kind: "person", id: "p2", name: "ben" }, at: "2026-11-20T03:05:00Z", comment: "looks right" }],
};

const stack = {
  id: "web-prod",
  machine: "web",
  machineHash: "4f1c",
  state: "REVIEW",
  previousState: null,
  metadata: { image: "web:2" },
  createdAt: "2026-11-20T02:00:00Z",
  updatedAt: "2026-11-20T03:00:00Z",
  enteredAt: "2026-11-20T03:00:00Z",
  incarnation: "e1",
  entry: 3,
  version: 9,
  summary: "Waits for 1 more approval.",
  parts: [],
  tasks: [
    { name: "sign-off", status: "PENDING", detail: "APPROVING", why: "Waits for people." },
    { name: "deploy", status: "PENDING", why: "needs sign-off", waitsFor: { kind: "need", tasks: ["sign-off"] } },
  ],
  approvals: [approval],
  attempts: [],
  parked: [],
  timers: [],
} satisfies StackDetails;

const api = {
  "GET /v1/stacks/web-prod": stack,
  "GET /v1/stacks/web-prod/history": { items: [] },
};

const aLine: HistoryEntry = {
  position: 1,
  stackId: "web-prod",
  at: "2026-11-20T02:50:00Z",
  eventId: "e1",
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
};

const address = "/approval?stack=web-prod&task=sign-off";

describe("ApprovalsPage", () => {
  it("lists first those that the person may give, with who asked and who has approved", { tags: "page" }, async () => {
    const other = { ...approval, id: "other", stackId: "api-prod", mine: false, given: [], need: 2 };
    const { screen } = await renderPage(ApprovalsPage, "/approvals", {
      "GET /v1/approvals": ({ query }: { query: Readonly<Record<string, string>> }) => ({
        items: query["mine"] === "true" ? [{ ...approval, mine: true }] : [other, { ...approval, mine: true }],
      }),
    });

    const yours = screen.getByRole("region", { name: "Wait for you" }).getByRole("listitem");
    await expect.element(yours.first()).toMatchTextContent(/^sign-off of web-prod.*cleo.*ben; 1 of 2 missing/);
    const others = screen.getByRole("region", { name: "Wait for others" }).getByRole("listitem");
    await expect
      .element(others.first())
      .toMatchTextContent(/^sign-off of api-prod.*nobody; 2 of 2 missing.*release-man/);
    expect(others.elements().length).toBe(1);
    await expect.element(screen.getByText(/^1 waits for you, 1 waits for others\. The first ends/)).toBeVisible();
    expect(document.querySelectorAll(".button.primary").length).toBe(1);
  });

  it("says in figures what is destroyed and what it costs, before one opens it", async () => {
    const resources = "destroys aws_db_instance.main -49.60\nadds aws_sqs_queue.invoices 161.60";
    const outputs = { plan: "sha256:4f1c", adds: 1, changes: 3, destroys: 1, resources };
    const { screen } = await renderPage(ApprovalsPage, "/approvals", {
      "GET /v1/approvals": { items: [approval] },
      "GET /v1/stacks/web-prod/history": { items: [{ ...aLine, event: "TASK_SUCCESS", task: "plan", outputs }] },
    });

    await expect.element(screen.getByText("1 to destroy: aws_db_instance.main")).toBeVisible();
    await expect.element(screen.getByText("+112.00 USD a month")).toBeVisible();
  });

  it("says that what it would do could not be loaded, never that it does nothing", async () => {
    const { screen } = await renderPage(ApprovalsPage, "/approvals", {
      "GET /v1/approvals": { items: [approval] },
      "GET /v1/stacks/web-prod/history": problem(500, "INTERNAL", "The store does not answer."),
    });

    await expect.element(screen.getByText("The store does not answer.")).toBeVisible();
  });

  it("says that nothing waits", async () => {
    const { screen } = await renderPage(ApprovalsPage, "/approvals", { "GET /v1/approvals": { items: [] } });

    await expect.element(screen.getByText("No approval is open", { exact: true })).toBeVisible();
  });

  it("does not say so of a page that is empty while others follow", async () => {
    const { screen } = await renderPage(ApprovalsPage, "/approvals", {
      "GET /v1/approvals": { items: [], cursor: "next" },
    });

    await expect.element(screen.getByRole("region", { name: "Wait for you" })).toBeVisible();
    await expect.element(screen.getByText("No approval is open", { exact: true })).not.toBeInTheDocument();
  });
});

describe("ApprovalPage", () => {
  it("shows what is approved, who has approved it and what follows", { tags: "page" }, async () => {
    const { screen } = await renderPage(ApprovalPage, address, api);

    await expect.element(screen.getByText("sha256:4f1c")).toBeVisible();
    await expect.element(screen.getByText("web:2")).toBeVisible();
    await expect.element(screen.getByText("looks right")).toBeVisible();
    await expect.element(screen.getByText("Starts: deploy.")).toBeVisible();
  });

  it("has the decision right below what changes on a phone, and the rest after it", async () => {
    await page.viewport(390, 844);
    const outputs = { plan: "sha256:4f1c", adds: 4, changes: 3, destroys: 1 };
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod/history": { items: [{ ...aLine, event: "TASK_SUCCESS", task: "plan", outputs }] },
    });
    await expect.element(screen.getByRole("heading", { name: /^What changes/ })).toBeVisible();

    const panels = [...document.querySelectorAll<HTMLElement>(".approval-columns section.panel")]
      .map((panel) => ({
        title: panel.querySelector("h2")?.firstChild?.textContent,
        top: panel.getBoundingClientRect().top,
      }))
      .toSorted((a, b) => a.top - b.top)
      .map(({ title }) => title);
    expect(panels.slice(0, 2)).toEqual(["What changes", expect.stringMatching(/^Given/)]);
    expect(panels.slice(2)).toEqual(expect.arrayContaining(["Metadata", "Asked"]));
  });

  it("shows the plan that is approved, with what it would destroy and what it costs", async () => {
    const outputs = { plan: "sha256:4f1c", adds: 4, changes: 3, destroys: 1, forgets: 2, monthly_cost: 412.5 };
    const line = {
      ...aLine,
      event: "TASK_SUCCESS",
      task: "plan",
      outputs: { ...outputs, problems: "aws_db.main is protected" },
    };
    const newer = {
      ...aLine,
      position: 2,
      event: "TASK_SUCCESS",
      task: "plan",
      outputs: { ...outputs, plan: "x", destroys: 7 },
    };
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod/history": { items: [newer, line] },
    });

    await expect.element(screen.getByText("destroyed")).toBeVisible();
    await expect.element(screen.getByText("− 1")).toBeVisible();
    // What is forgotten stays in AWS: only what is destroyed is red.
    const lost = [...document.querySelectorAll(".plan-loss dt")].map(({ textContent }) => textContent);
    expect([screen.getByText("forgotten").elements().length, lost]).toEqual([1, ["destroyed"]]);
    await expect.element(screen.getByText("412.50")).toBeVisible();
    await expect.element(screen.getByText("aws_db.main is protected")).toBeVisible();
  });

  it.each([390, 1_440])(
    "lists each resource with its cost, what is lost first, %i px wide",
    { tags: "page" },
    async (width) => {
      await page.viewport(width, 900);
      const resources = "destroys aws_elasticache_cluster.sessions -49.60\nadds aws_sqs_queue.invoices\nmore 3";
      const outputs = { plan: "sha256:4f1c", adds: 4, changes: 0, destroys: 1, forgets: 0, resources };
      const { screen } = await renderPage(ApprovalPage, address, {
        ...api,
        "GET /v1/stacks/web-prod/history": { items: [{ ...aLine, event: "TASK_SUCCESS", task: "plan", outputs }] },
      });

      const rows = screen.getByRole("region", { name: "Resources of the plan" }).getByRole("row");
      const unit = width === 390 ? " USD/month" : "";
      await expect
        .poll(() => rows.elements().map(({ textContent }) => textContent))
        .toEqual([
          width === 390 ? "ChangeResource" : "ChangeResourceUSD/month",
          `− destroysaws_elasticache_cluster.sessions−49.60${unit}`,
          "+ addsaws_sqs_queue.invoicesno price",
        ]);
      const area = document.querySelector(".plan-scroll");
      expect((area?.scrollWidth ?? 0) - (area?.clientWidth ?? 0)).toBe(0);
      // A list that is cut says so (cds-snc/terraform-plan#112).
      await expect.element(screen.getByText("3 more are in the log of the plan.")).toBeVisible();
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    },
  );

  describe("the commits that it would bring", () => {
    const [before, now] = ["4be2d1099ff0", "9f1c2ab77aa0"];
    const compareUrl = `https://github.com/shop/checkout/compare/${before}...${now}`;
    const base = {
      since: { kind: "success", position: 7, at: "2026-11-19T03:00:00Z" },
      before,
      now,
      compareUrl,
    } satisfies StackCommits;
    const open = (commits: unknown) =>
      renderPage(ApprovalPage, address, { ...api, "GET /v1/stacks/web-prod/commits": commits });

    it.each([390, 1_440])("are listed since the last success (shipit-engine#47), %i px wide", async (width) => {
      await page.viewport(width, 900);
      const commits = Array.from({ length: 23 }, (_, index) => ({
        id: `${index}`.padStart(40, "a"),
        subject: index === 0 ? HOSTILE : `Change ${"x".repeat(120)} ${index}`,
        author: "ada",
        at: "2026-11-20T02:00:00Z",
        url: index === 1 ? "javascript:alert(1)" : `https://github.com/shop/checkout/commit/${index}`,
      }));
      const { screen, sent } = await open({ ...base, commits, isCut: true, dropped: 0 });

      const list = screen.getByRole("list", { name: "Commits, the oldest first" });
      await expect.poll(() => list.getByRole("listitem").elements().length).toBe(20);
      await expect.element(list.getByText(SHOWN_HOSTILE)).toBeVisible();
      await expect.element(screen.getByText("since the last success,", { exact: false })).toBeVisible();
      await expect.element(screen.getByText("3 more", { exact: true })).toBeVisible();
      await expect.element(screen.getByText("There are more at the code host.")).toBeVisible();
      await expect.element(screen.getByRole("link", { name: /^Compare/ })).toHaveAttribute("href", compareUrl);
      expect(document.querySelectorAll("a[href^='javascript']")).toHaveLength(0);
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      expect(sent.find(({ path }) => path.endsWith("/commits"))?.query["task"]).toBe("sign-off");
      await page.viewport(1_280, 800);
    });

    it("are only compared at the host where there is no access, with the reason (wpt.fyi#4799)", async () => {
      const unknown = 'The token of the code host "hub" may not read the commits of shop/checkout.';
      const { screen } = await open({ ...base, unknown });

      await expect.element(screen.getByText(unknown)).toBeVisible();
      await expect.element(screen.getByRole("link", { name: /^Compare/ })).toHaveAttribute("href", compareUrl);
      await expect.element(screen.getByText("4be2d1099", { exact: true })).toBeVisible();
    });

    it("are not missing without a word where they cannot be loaded", async () => {
      const { screen } = await renderPage(ApprovalPage, address, {
        ...api,
        "GET /v1/stacks/web-prod/commits": problem(500, "INTERNAL", "The store is locked."),
      });

      await expect.element(screen.getByRole("heading", { name: "Commits" })).toBeVisible();
      await expect.element(screen.getByText("The store is locked.")).toBeVisible();
    });

    it("may be fewer than what runs, as after a rollback (whatsdeployed#97)", async () => {
      const { screen } = await open({ ...base, commits: [], isCut: false, dropped: 3 });

      await expect
        .element(screen.getByText("3 commits of then would go: what is approved does not have them."))
        .toBeVisible();
    });

    it("keep nobody waiting: all else is there, and can be approved, while the host is silent (huboard#715)", async () => {
      const { screen } = await open(never);

      await expect.element(screen.getByText("web:2")).toBeVisible();
      await expect.element(screen.getByRole("button", { name: "Approve…" })).toBeVisible();
      expect(screen.getByRole("heading", { name: "Commits" }).query()).toBeNull();
    });

    it.each([
      ["it never succeeded", {}],
      ["no commit has changed", { since: base.since }],
      ["the server does not answer the request", problem(503, "BUSY", "Too many.")],
    ])("have no place where %s", async (_why, commits) => {
      const { screen } = await open(commits);

      await expect.element(screen.getByText("web:2")).toBeVisible();
      expect(screen.getByRole("heading", { name: "Commits" }).query()).toBeNull();
    });
  });

  it("shows from which value each key moves, and calls nothing removed that is unchanged (kargo#6371)", async () => {
    const approved = { ...aLine, position: 7, event: "APPROVE_TASK", task: "sign-off" };
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, metadata: { image: "web:2", region: "eu-west-1" } },
      "GET /v1/stacks/web-prod/history": { items: [approved] },
      "GET /v1/stacks/web-prod/at/7": { stack: { ...stack, metadata: { image: "web:1", region: "eu-west-1" } } },
    });

    await expect.element(screen.getByText("1 changed since the last approval")).toBeVisible();
    await expect.element(screen.getByRole("row", { name: "image web:1 → web:2" })).toBeVisible();
    await expect.element(screen.getByRole("row", { name: "region eu-west-1" })).toBeVisible();
    expect(screen.getByText("missing").query()).toBeNull();
  });

  it("says what is wrong now where the release has arrived already", async () => {
    const attempt = {
      id: "a1",
      task: "staging",
      executor: "deploy",
      state: "STAGING",
      startedAt: "2026-11-20T02:00:00Z",
    };
    const deploy = {
      task: "staging",
      op: "send",
      event: "RELEASED",
      metadata: {},
      startedAt: "2026-11-20T02:00:00Z",
      waves: [],
    };
    const trouble = [{ code: "STACK_BROKEN", stacks: 1 }];
    const { screen, sent } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, attempts: [attempt] },
      "GET /v1/stacks/web-prod/deploys": {
        items: [
          { ...deploy, trouble },
          { ...deploy, task: "test", trouble: [] },
        ],
      },
    });

    const list = screen.getByRole("list", { name: "Earlier environments" });
    await expect.element(list).toHaveTextContent("staging: not as it had arrived any more: STACK_BROKEN 1.");
    expect(list.getByRole("listitem").elements()).toHaveLength(1);
    expect(sent.find(({ path }) => path.endsWith("/deploys"))?.query["trouble"]).toBe("true");
  });

  it.each([390, 1_440])("shows the plan of a release by the digest that is approved, %i px wide", async (width) => {
    await page.viewport(width, 900);
    const digest = "5e0bc41".padEnd(64, "0");
    const of = { ...approval, of: digest };
    const base = { task: "tenants", wave: "canary", tasks: [], whole: true, changed: false, parked: [], show: {} };
    const since = "2026-11-20T02:00:00Z";
    const stacks = [
      {
        ...base,
        stackId: "t1",
        does: "move",
        from: { api: "1.41" },
        to: { api: "1.42" },
        tasks: ["BUILD/app"],
        end: "LIVE",
      },
      { ...base, stackId: "t2", does: "fails", code: "NEWER_RELEASE", from: { api: "2" }, to: { api: "1.42" } },
      {
        ...base,
        stackId: "t3",
        does: "move",
        from: { api: null },
        to: { api: "1.42" },
        show: { tier: "gold" },
        tasks: ["BUILD/plan"],
        end: "BUILD",
        whole: false,
        changed: true,
        parked: [{ event: "PUSHED", code: "EVENT_NOT_HANDLED", since }],
      },
    ];
    const commit = { id: "1".repeat(40), title: "Gift cards", at: since, author: "ben" };
    const compareUrl = "https://host.example/shop/compare/1.41...1.42";
    const version = {
      key: "api",
      from: "1.41",
      to: "1.42",
      tasks: ["tenants"],
      stacks: 2,
      commits: [commit],
      compareUrl,
    };
    const counts = { move: 2, same: 0, create: 0, moving: 0, fails: 1 };
    const plan = { digest, madeAt: since, tasks: [], stacks: 3, hidden: 4, counts, runs: 2, changed: 1 };
    const { screen, sent } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, approvals: [of] },
      [`GET /v1/stacks/web-prod/plans/${digest}`]: plan,
      [`GET /v1/stacks/web-prod/plans/${digest}/stacks`]: { items: stacks },
      "GET /v1/stacks/web-prod/versions": { versions: [version] },
    });
    const versions = screen.getByLabelText("Versions");
    await expect.element(versions).toMatchTextContent(/api1\.41 → 1\.42 1 commit/);

    const table = screen.getByRole("region", { name: "Stacks of the plan" });
    await expect
      .element(table.getByRole("row", { name: /t1 .*Move api 1.41 → 1.42 BUILD: app then LIVE/ }))
      .toBeVisible();
    await expect.element(table.getByRole("row", { name: /t2 .*Would fail: NEWER_RELEASE/ })).toBeInTheDocument();
    await expect
      .element(table.getByRole("row", { name: /t3 .*none → 1.42 tier gold Changed since Parked: PUSHED/ }))
      .toBeInTheDocument();
    await expect.element(screen.getByText("up to BUILD: the rest depends on outputs")).toBeInTheDocument();
    await expect.element(screen.getByText(/1 stack is not as planned any more/)).toBeVisible();
    await expect.element(screen.getByText("4 stacks more that you may not read")).toBeInTheDocument();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    await screen.getByRole("button", { name: "Would fail 1" }).click();
    await expect.poll(() => sent.some(({ query }) => query["does"] === "fails")).toBe(true);
    await page.viewport(1_280, 800);
  });

  it("does not say that it was never approved before that is known, and says why it is not", async () => {
    const history = "GET /v1/stacks/web-prod/history";
    const loading = await renderPage(ApprovalPage, address, { ...api, [history]: never });
    await expect.element(loading.screen.getByRole("region", { name: "Metadata" })).toBeVisible();
    await expect.element(loading.screen.getByText("never approved before")).not.toBeInTheDocument();
    await loading.screen.unmount();

    const broken = await renderPage(ApprovalPage, address, {
      ...api,
      [history]: problem(500, "INTERNAL", "The store is locked."),
    });
    await expect.element(broken.screen.getByText("The store is locked.")).toBeVisible();
    await expect.element(broken.screen.getByText("never approved before")).not.toBeInTheDocument();
    await broken.screen.unmount();

    const known = await renderPage(ApprovalPage, address, api);
    await expect.element(known.screen.getByText("never approved before")).toBeVisible();
  });

  it("says that the last approval is not known where it cannot be loaded, or the history is longer", async () => {
    const approved: HistoryEntry = { ...aLine, position: 7, event: "APPROVE_TASK", task: "sign-off" };
    const broken = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod/history": { items: [approved] },
      "GET /v1/stacks/web-prod/at/7": problem(500, "INTERNAL", "The store is locked."),
    });
    await expect.element(broken.screen.getByText("the last approval could not be loaded")).toBeVisible();
    await broken.screen.unmount();

    const long = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod/history": { items: [aLine], cursor: "more" },
    });
    await expect.element(long.screen.getByText("not approved in the last 1,000 lines of the history")).toBeVisible();
  });

  it("says who may decide, also to the person who may not (kargo#5345)", async () => {
    const { screen } = await renderPage(ApprovalPage, address, api);

    await expect.element(screen.getByText("cleo, who may not approve")).toBeVisible();
    await expect.element(screen.getByText("release-managers, 2 needed")).toBeVisible();
  });

  it("keeps the buttons in reach on a phone, over everything that is read", async () => {
    await page.viewport(360, 844);
    const { screen } = await renderPage(ApprovalPage, address, api);
    // A narrow table of metadata is scrolled with the keyboard, too.
    await expect.element(screen.getByRole("region", { name: "Metadata" })).toHaveAttribute("tabindex", "0");
    const button = screen.getByRole("button", { name: "Approve…" });
    await expect.element(button).toBeVisible();

    const { top, bottom, height } = button.element().getBoundingClientRect();

    expect([top > 600, bottom < 844, height >= 44]).toEqual([true, true, true]);
    await page.viewport(1_280, 800);
  });

  it("approves exactly what was shown, with the required comment", async () => {
    const { screen, sent } = await renderPage(ApprovalPage, address, {
      ...api,
      "POST /v1/approvals/web-prod/1/3/sign-off/a/approve": {
        eventId: "e",
        stackId: "web-prod",
        outcome: "applied",
        notes: [],
      },
    });
    await screen.getByRole("button", { name: "Approve…" }).click();
    const confirm = screen.getByRole("button", { name: "Approve", exact: true });
    await expect.element(confirm).toHaveAttribute("aria-disabled", "true");
    await screen.getByLabelText("Reason").fill("tested on staging");
    await confirm.click();

    await expect.element(screen.getByText("Approve: applied")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({
      comment: "tested on staging",
      of: "sha256:4f1c",
      id: expect.stringMatching(/^console-/),
    });
  });

  // keel#1550: nothing said what one's own approval had done.
  it.each([
    ["APPROVE_TASK", "approve", "Approve", /Approved by ada .*ago: tested on staging\..*now in PRODUCTION/],
    ["REJECT_TASK", "reject", "Reject", /Rejected by ada .*ago: tested on staging\..*now in PRODUCTION/],
  ])("says after one's own %s what was decided, and where the stack is now", async (event, path, word, expected) => {
    let isDecided = false;
    const answer: HistoryEntry = {
      ...aLine,
      position: 9,
      event,
      task: "sign-off",
      actor: "ada",
      reason: "tested on staging",
    };
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": () =>
        isDecided ? { ...stack, state: "PRODUCTION", version: 10, approvals: [] } : stack,
      "GET /v1/stacks/web-prod/history": () => ({ items: isDecided ? [answer, aLine] : [aLine] }),
      [`POST /v1/approvals/web-prod/1/3/sign-off/a/${path}`]: () => {
        isDecided = true;
        return { eventId: "e", stackId: "web-prod", outcome: "applied", notes: [] };
      },
    });
    await screen.getByRole("button", { name: `${word}…` }).click();
    await screen.getByLabelText("Reason").fill("tested on staging");
    await screen.getByRole("button", { name: word, exact: true }).click();
    await queryClient.invalidateQueries();

    await expect.element(screen.getByText(/This approval is closed/)).toMatchTextContent(expected);
    await expect.element(screen.getByRole("heading", { level: 1 })).toMatchTextContent(/no longer waits for sign-off/);
  });

  it("tells two people of one name apart (grafana#17635)", async () => {
    const by = { kind: "person", id: "p9", name: "cleo" } as const;
    const two = { ...approval, given: [{ by, at: "2026-11-20T03:05:00Z" }] };
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, approvals: [two] },
    });

    await expect.element(screen.getByText("cleo (p9)")).toBeVisible();
    await expect.element(screen.getByText("cleo (p1), who may not approve")).toBeVisible();
  });

  it("keeps the dialog with the reason of a refusal", async () => {
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "POST /v1/approvals/web-prod/1/3/sign-off/a/reject": problem(409, "NOT_ALLOWED", "You asked for it yourself."),
    });
    await screen.getByRole("button", { name: "Reject…" }).click();
    await screen.getByLabelText("Reason").fill("no");
    await screen.getByRole("button", { name: "Reject", exact: true }).click();

    await expect.element(screen.getByText("You asked for it yourself.")).toBeVisible();
    await expect.element(screen.getByText(/NOT_ALLOWED/)).toBeVisible();
  });

  it("explains a button that the person cannot use, and nothing beside it approves (kargo#2729)", async () => {
    const rights = [{ permissions: ["read"] as const, machines: ["other"] }];
    const { screen, sent } = await renderPage(ApprovalPage, address, { ...api, "GET /v1/me": { ...viewer, rights } });

    await expect
      .element(screen.getByRole("button", { name: "Approve…" }))
      .toHaveAccessibleDescription("Needs approve on web");
    await screen.getByRole("button", { name: "Approve…" }).click({ force: true });
    await screen.getByRole("heading", { name: /^Given/ }).click();
    expect(screen.getByRole("dialog").query()).toBeNull();
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
  });

  it("says that an approval is closed, and that a stack is absent", async () => {
    const closed = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, approvals: [] },
    });
    await expect.element(closed.screen.getByText(/This approval is closed: it was decided, it expired/)).toBeVisible();

    const absent = await renderPage(ApprovalPage, "/approval?stack=gone&task=sign-off", {});
    await expect.element(absent.screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect
      .element(absent.screen.getByRole("link", { name: "All approvals" }))
      .toHaveAttribute("href", "/approvals");
  });
});
