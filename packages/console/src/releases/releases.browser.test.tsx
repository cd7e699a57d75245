import type { ReleasePlace } from "@stackyard/sdk/releases";
import { describe, expect, it, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { anAttempt } from "../testing/a-stack.ts";
import { problem, renderPage } from "../testing/render-page.tsx";
import { AsgPage } from "./asg-page.tsx";
import { ReleasesPage } from "./releases-page.tsx";

const at = { account: "111111111111", region: "eu-west-1", project: "acme/web", config: "prod" };
const place: ReleasePlace = {
  ...at,
  running: { releaseId: "rel-41", since: "2026-11-20T02:00:00Z", stackId: "run-1" },
  lock: { user: "ada", reason: "incident 12", since: "2026-11-20T02:30:00Z" },
  updatedAt: "2026-11-20T02:30:00Z",
};
const run = {
  jobId: "run-2",
  state: "running",
  executor: "asg",
  config: {
    op: "deploy",
    release: {
      aws_account_id: at.account,
      aws_region: at.region,
      project_name: at.project,
      config_name: at.config,
      release_id: "rel-42",
    },
  },
  startedAt: "2026-11-20T03:00:00Z",
};
const report = {
  ...at,
  operation: "deploy",
  releaseId: "rel-42",
  state: "CheckHealthy",
  since: 1_763_607_600_000,
  startedAt: 1_763_607_600_000,
  timeoutSeconds: 600,
  path: [{ state: "Validate", at: 1_763_607_600_000 }],
  services: {
    web: {
      healthy: 3,
      unhealthy: 1,
      terminating: 0,
      launching: 5,
      targetHealthy: 5,
      targetLaunched: 6,
      isHealthy: false,
      causes: ["insufficient capacity in eu-west-1a"],
    },
  },
  lines: [],
  laterErrors: [],
};
const api = {
  "GET /v1/jobs/run-2": run,
  "GET /v1/jobs/run-2/report": { items: [report] },
};

describe("ReleasesPage", () => {
  it("shows what runs where, and who locked it", { tags: "page" }, async () => {
    const { screen } = await renderPage(ReleasesPage, "/releases", {
      "GET /v1/releases/places": { items: [place] },
      "GET /v1/jobs": { items: [run] },
      "GET /v1/boards": { items: [] },
      "GET /v1/yard": { accounts: { [place.account]: "shop-prod" } },
    });

    await expect.element(screen.getByText("rel-41")).toBeVisible();
    await expect.element(screen.getByText(`shop-prod (${place.account} ${place.region})`).first()).toBeVisible();
    await expect.element(screen.getByText("Locked by ada: incident 12")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "rel-42" })).toBeVisible();
  });

  it.each([390, 1_440])("lists a place once, with its newest releases below, %i px wide", async (width) => {
    await page.viewport(width, 900);
    const earlier = ["rel-41", "rel-40", "rel-39", "rel-38"].map((releaseId, index) => ({
      ...run,
      jobId: `run-of-${releaseId}`,
      state: "succeeded",
      config: { ...run.config, release: { ...run.config.release, release_id: releaseId } },
      startedAt: `2026-11-20T02:0${5 - index}:00Z`,
      message: `${releaseId} went well`,
    }));
    const { screen } = await renderPage(ReleasesPage, "/releases", {
      "GET /v1/releases/places": { items: [place] },
      "GET /v1/jobs": { items: [run, ...earlier] },
      "GET /v1/boards": { items: [] },
    });
    const group = screen.getByRole("region", { name: "acme/web, prod" });
    await expect.element(group.getByRole("heading").getByText("rel-41")).toBeVisible();
    const rows = group.getByRole("listitem");

    expect(rows.elements().map((row) => row.querySelector("a")?.textContent)).toEqual(["rel-42", "rel-41", "rel-40"]);
    await group.getByRole("button", { name: "2 earlier" }).click();
    expect(rows.elements().length).toBe(5);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  });

  it("says that what runs is not known while places cannot be loaded", async () => {
    const { screen } = await renderPage(ReleasesPage, "/releases", {
      "GET /v1/releases/places": problem(503, "STORE_UNAVAILABLE", "The database does not answer."),
      "GET /v1/jobs": { items: [run] },
      "GET /v1/boards": { items: [] },
    });

    await expect.element(screen.getByText("what runs is not known")).toBeVisible();
    await expect.element(screen.getByText("The database does not answer.")).toBeVisible();
    await expect.element(screen.getByText("no release has succeeded yet")).not.toBeInTheDocument();
  });

  it.each(["load", "have pages left"])("says so, too, while places %s", async (how) => {
    const { screen } = await renderPage(ReleasesPage, "/releases", {
      "GET /v1/releases/places": how === "load" ? new Promise(() => {}) : { items: [], cursor: "next" },
      "GET /v1/jobs": { items: [run] },
      "GET /v1/boards": { items: [] },
    });

    await expect.element(screen.getByText("what runs is not known")).toBeVisible();
    await expect.element(screen.getByText("no release has succeeded yet")).not.toBeInTheDocument();
  });

  it("shows the first steps where nothing has ever been released, and not while that is not known", async () => {
    const none = { "GET /v1/releases/places": { items: [] }, "GET /v1/jobs": { items: [] } };
    const { screen } = await renderPage(ReleasesPage, "/releases", { ...none, "GET /v1/boards": { items: [] } });

    await expect
      .element(screen.getByRole("heading", { name: "Nothing has been released on this yard yet" }))
      .toBeVisible();
    expect(screen.getByRole("link", { name: "Open machines" }).all()).toHaveLength(1);

    await screen.unmount();
    const failing = { ...none, "GET /v1/boards": problem(500, "INTERNAL", "The store does not answer.") };
    const { screen: other } = await renderPage(ReleasesPage, "/releases", failing);

    await expect.element(other.getByText("The store does not answer.")).toBeVisible();
    expect(other.getByText("Nothing has been released").all()).toEqual([]);
  });

  it("says why boards cannot be loaded, instead of showing a yard without any", async () => {
    const { screen } = await renderPage(ReleasesPage, "/releases", {
      "GET /v1/releases/places": { items: [] },
      "GET /v1/jobs": { items: [] },
      "GET /v1/boards": problem(503, "STORE_UNAVAILABLE", "The database does not answer."),
    });

    await expect.element(screen.getByText("The database does not answer.")).toBeVisible();
  });

  it("does not count freezes that cannot be loaded as none", async () => {
    const { screen } = await showBoard(board, {
      "GET /v1/freezes": problem(503, "STORE_UNAVAILABLE", "The database does not answer."),
    });

    await expect.element(screen.getByRole("link", { name: "Freezes: not known now" })).toBeVisible();
  });
});

const version = (api: string, stacks: number, standings: object, release?: string) => ({
  values: { api },
  stacks,
  standings: { rests: 0, moving: 0, failed: 0, "by-hand": 0, ...standings },
  since: "2026-11-20T02:00:00Z",
  examples: [],
  ...(release !== undefined && { release: { id: release, createdAt: "2026-11-20T01:00:00Z" } }),
});

const board = {
  machine: "shop-release",
  environments: [
    {
      task: "staging",
      stack: "shop-staging",
      stacks: 1,
      behind: false,
      versions: [version("1.42.0", 1, { rests: 1 }, "shop-1.42.0")],
    },
    {
      task: "production",
      stack: "shop-prod",
      stacks: 1,
      behind: true,
      lag: { of: "staging", releases: 2 },
      coming: [
        {
          ...{ release: "shop-1.44.0", task: "turn", hold: "turn" },
          ...{ why: "Waits for the turn shop-prod.", values: { api: "1.44.0" } },
        },
      ],
      versions: [version("1.41.0-fix", 1, { "by-hand": 1 }, "shop-1.41.0")],
    },
    {
      task: "tenants",
      machine: "tenant",
      where: "metadata.tier != 'internal'",
      stacks: 400,
      behind: false,
      versions: [
        version("1.41.0", 380, { rests: 371, failed: 9 }, "shop-1.41.0"),
        version("1.42.0", 20, { moving: 12, rests: 8 }, "shop-1.42.0"),
      ],
    },
  ],
  releases: [
    {
      id: "shop-1.42.0",
      state: "PRODUCTION",
      condition: "busy",
      createdAt: "2026-11-20T01:00:00Z",
      waits: "Waits for tenants.",
    },
    { id: "shop-1.44.0", state: "REVIEW", condition: "busy", createdAt: "2026-11-20T03:00:00Z" },
  ],
  turns: [
    {
      name: "shop-prod",
      holder: { release: "shop-1.42.0" },
      waiting: [
        { release: "shop-1.44.0", task: "turn" },
        { release: "shop-1.43.0", task: "turn" },
      ],
    },
    { name: "shop-staging", holder: {}, waiting: [] },
  ],
};

async function showBoard(given: object = board, more: object = {}) {
  return renderPage(ReleasesPage, "/releases", {
    "GET /v1/releases/places": { items: [] },
    "GET /v1/jobs": { items: [] },
    "GET /v1/boards": { items: [{ machine: "shop-release", environments: 3 }] },
    "GET /v1/boards/shop-release": given,
    ...more,
  });
}

describe("the board", () => {
  it.each([390, 1_024, 1_440])(
    "shows versions, standings and releases of each environment, %i px wide",
    {
      tags: "page",
    },
    async (width) => {
      await page.viewport(width, 1_000);
      const { screen } = await showBoard();

      const cells = screen.getByRole("table", { name: "Environments of shop-release by version" });
      await expect.element(cells.getByText("371 at rest")).toBeVisible();
      await expect.element(cells.getByText("9 failed")).toBeVisible();
      await expect.element(cells.getByText("set by hand")).toBeVisible();
      await expect.element(cells.getByText("2 behind staging")).toBeVisible();
      await expect.element(cells.getByRole("link", { name: "shop-1.44.0 waits for the turn" })).toBeVisible();
      await expect.element(screen.getByText("Waits for tenants.")).toBeVisible();
      const releases = cells.getByRole("link", { name: "shop-1.42.0", exact: true }).elements();
      expect(releases.length).toBe(width === 390 ? 2 : 1);
      await expect.element(screen.getByText(/Auto Scaling groups/)).not.toBeInTheDocument();
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    },
  );

  it("leads from cell to cell with arrow keys, over empty ones", async () => {
    await page.viewport(1_440, 1_000);
    const { screen } = await showBoard();
    const turn = screen.getByRole("link", { name: "shop-1.44.0 waits for the turn" });
    await expect.element(turn).toBeVisible();
    const press = async (key: string) => {
      await userEvent.keyboard(`{${key}}`);
      return document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent;
    };

    (turn.element() as HTMLElement).focus();

    expect(await press("ArrowRight")).toBe("set by hand: production, 1.41.0-fix");
    expect(await press("ArrowLeft")).toBe("shop-1.44.0 waits for the turn");
    expect(await press("ArrowLeft")).toBe("shop-prod");
    expect(await press("ArrowUp")).toBe("shop-staging");
    expect(await press("ArrowRight")).toBe("at rest: staging, 1.42.0");
    expect(await press("ArrowDown")).toBe("12 moving: tenants, 1.42.0");
    expect(await press("ArrowDown")).toBe("12 moving: tenants, 1.42.0");
  });

  it("is copied as an image in its whole size, on a phone too", async () => {
    await page.viewport(390, 1_000);
    const { screen } = await showBoard();
    const copied: Blob[] = [];
    vi.spyOn(navigator.clipboard, "write").mockImplementation(async (items) => {
      for (const item of items) copied.push(await item.getType("image/png"));
    });

    await screen.getByRole("button", { name: "Copy the board as an image" }).click();

    await expect.element(screen.getByText("The image is copied")).toBeVisible();
    vi.restoreAllMocks();
    const table = document.querySelector(".board");
    const { width, height } = await createImageBitmap(copied[0] ?? new Blob());
    expect([width, height]).toEqual([2 * (table?.scrollWidth ?? 0), 2 * (table?.scrollHeight ?? 0)]);
  });

  it("marks the versions of one release, which the address names", async () => {
    await page.viewport(1_440, 1_000);
    const { screen } = await showBoard();

    await screen.getByRole("link", { name: "Mark shop-1.42.0" }).click();

    const head = screen.getByRole("columnheader", { name: /this release/ });
    await expect.element(head).toHaveTextContent("1.42.0 shop-1.42.0this release");
    await screen.getByRole("link", { name: "Unmark shop-1.42.0" }).click();
    await expect.element(head).not.toBeInTheDocument();
  });

  it.each([390, 1_440])("has room for twenty environments with hundreds of versions, %i px wide", async (width) => {
    await page.viewport(width, 1_000);
    const environments = Array.from({ length: 20 }, (_, index) => ({
      ...{ task: `tenants-of-region-${index}`, machine: "tenant", stacks: 500, behind: false },
      versions: Array.from({ length: 100 }, (__, each) =>
        version(`1.${each}.0`, 5, index === 3 ? { rests: 4, failed: 1 } : { rests: 5 }, `shop-1.${each}.0`),
      ),
    }));
    const { screen } = await showBoard({ ...board, environments });
    const cells = screen.getByRole("table", { name: "Environments of shop-release by version" });
    await expect.element(cells.getByText("tenants-of-region-19", { exact: true })).toBeVisible();

    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    if (width === 1_440) expect(cells.element().getBoundingClientRect().height).toBeLessThan(20 * 48);
    await screen.getByRole("button", { name: "A column for each version" }).click();
    await expect
      .element(screen.getByRole("button", { name: "A column for each version" }))
      .toHaveAttribute("aria-pressed", "true");
    expect(document.querySelectorAll(".board thead th").length).toBe(42);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  });

  it("keeps the row of a long wait low on a phone", { tags: "page" }, async () => {
    await page.viewport(390, 1_000);
    const waits =
      "tenants: Running for 1h 24m: 81 arrived, 2 on their way, 0 to be sent, 1 failed. (checked again in 7s)";
    const { screen } = await showBoard({ ...board, releases: [{ ...board.releases[0], waits }] });

    const cell = screen.getByRole("cell", { name: waits.replace(" (checked again in 7s)", "") });
    await expect.element(cell).toBeInTheDocument();
    expect(cell.element().getBoundingClientRect().height).toBeLessThan(100);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
  });

  it("shows who has which turn and who waits for it, without the releases that the person may not read", async () => {
    const { screen } = await showBoard();

    const turns = screen.getByRole("list", { name: "Turns" }).getByRole("listitem");
    await expect
      .element(turns.nth(0))
      .toHaveTextContent("The turn shop-prod istakenby shop-1.42.0next shop-1.44.0older, superseded then: shop-1.43.0");
    await expect
      .element(turns.nth(1))
      .toHaveTextContent("The turn shop-staging istakenby a release that you may not read");
  });

  it("marks a turn whose record cannot be read, which is not free", async () => {
    const problem = 'The record "promotion/turns/shop-prod" is invalid.';
    const { screen } = await showBoard({ ...board, turns: [{ name: "shop-prod", waiting: [], problem }] });

    await expect
      .element(screen.getByRole("list", { name: "Turns" }).getByRole("listitem"))
      .toHaveTextContent(`The turn shop-prod isunreadable${problem} No release gets the turn until it is repaired.`);
  });

  it("lists a release that cannot be read with its problem", async () => {
    const unreadable = [{ id: "shop-1.45.0", problem: "The record is invalid." }];
    const { screen } = await showBoard({ ...board, unreadable });

    await expect.element(screen.getByRole("link", { name: "shop-1.45.0" })).toBeVisible();
    await expect.element(screen.getByText("The record is invalid.")).toBeVisible();
  });

  it("says where nothing runs, and why stacks cannot be counted", async () => {
    const [first] = board.environments;
    const empty = { ...first, stacks: 0, versions: [] };
    const broken = { ...empty, task: "tenants", problem: '"where" has errors: no such key' };
    const { screen } = await showBoard({ ...board, environments: [empty, broken], releases: [] });

    await expect.element(screen.getByText("Nothing runs here.")).toBeVisible();
    await expect.element(screen.getByText('"where" has errors: no such key')).toBeVisible();
    await expect.element(screen.getByText("No release of this machine exists.")).toBeVisible();
  });
});

describe("AsgPage", () => {
  it("shows each service's counts and why instances do not come", { tags: "page" }, async () => {
    const { screen } = await renderPage(AsgPage, "/asg?id=run-2", api);

    await expect.element(screen.getByText("3 of 5", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("insufficient capacity in eu-west-1a")).toBeVisible();
  });

  // copilot-cli#3772: a task or server that is unhealthy says nowhere why.
  it("shows the last reason, description and target group of unhealthy servers in full", { tags: "page" }, async () => {
    const timeout = `target group "shop-web": i-0a1b2c3d4e5f60001, i-0a1b2c3d4e5f60002 unhealthy, Target.Timeout (Request timed out)`;
    const code = `target group "shop-api": i-0a1b2c3d4e5f60003 unhealthy, Target.ResponseCodeMismatch (Health checks failed with these codes: [404])`;
    const web = { ...report.services.web, causes: [timeout, code] };
    const ended = {
      code: "RELEASE_TIMED_OUT",
      message: `Timeout: Halting Release: web: ${timeout}.`,
      retryable: false,
    };
    const { screen } = await renderPage(AsgPage, "/asg?id=run-2", {
      "GET /v1/jobs/run-2": { ...run, state: "failed", endedAt: "2026-11-20T03:10:00Z", error: ended },
      "GET /v1/jobs/run-2/report": { items: [{ ...report, services: { web } }] },
    });

    await expect.element(screen.getByText(ended.message)).toBeVisible();
    const reasons = screen.getByRole("list", { name: "Why servers of web are not healthy" }).getByRole("listitem");
    await expect.element(reasons.nth(1)).toHaveTextContent(code);
    for (const item of reasons.elements()) expect(item.scrollWidth).toBeLessThanOrEqual(item.clientWidth);
    expect(reasons.elements().map(({ textContent }) => textContent)).toEqual([timeout, code]);
  });

  describe("of a failed release", () => {
    const start = Date.parse("2026-11-20T03:00:00Z");
    const minute = (count: number) => start + count * 60_000;
    const path = [
      { state: "Validate", at: minute(0) },
      { state: "Deploy", at: minute(1) },
      { state: "CheckHealthy", at: minute(3) },
      { state: "DetachForFailure", at: minute(8) },
      { state: "FailureClean", at: minute(10) },
    ];
    const lines = [
      { at: minute(1.5), text: "created group web-42" },
      { at: minute(5), text: "web: 3 of 5 are healthy" },
    ];
    const error = { code: "RELEASE_TIMED_OUT", message: "web did not become healthy." };
    const config = { ...run.config, revision: "4f1c9d2aa0014f1c9d2aa001", actor: "ci" };
    const failedApi = {
      "GET /v1/jobs/run-2": { ...run, config, state: "failed", endedAt: "2026-11-20T03:10:00Z", error },
      "GET /v1/jobs/run-2/report": { items: [{ ...report, path, lines, end: "FailureClean" }] },
      "GET /v1/stacks/run-2/attempts": {
        items: [
          anAttempt({ stackId: "run-2", task: "run", attemptId: "run-2/e/1/run/1", dispatchedAt: run.startedAt }),
        ],
      },
      "GET /v1/attempts/run-2/e/1/run/1/log": () => new Response("ERROR: web did not become healthy\n"),
      "GET /v1/jobs": { items: [] },
    };

    it("opens at its error, then its states, where it failed, and who released which commit", {
      tags: "page",
    }, async () => {
      await page.viewport(1_440, 1_200);
      const { screen } = await renderPage(AsgPage, "/asg?id=run-2", failedApi);

      await expect.element(screen.getByText("RELEASE_TIMED_OUT")).toBeVisible();
      await expect.element(screen.getByText("ERROR: web did not become healthy")).toBeVisible();
      await expect.element(screen.getByText("ci", { exact: true })).toBeVisible();
      await expect.element(screen.getByText("4f1c9d2", { exact: true })).toBeVisible();
      const states = screen.getByRole("list", { name: "States in order" }).getByRole("link");
      await expect.element(states.nth(2)).toHaveAccessibleName("Check health: failed, 5m");
      const tops = ["[aria-label=Error]", ".steps-strip", ".tabs"].map(
        (selector) => document.querySelector(selector)?.getBoundingClientRect().top ?? Number.NaN,
      );
      expect(tops.every(Number.isFinite)).toBe(true);
      expect(tops).toEqual(tops.toSorted((a, b) => a - b));
    });

    it("leads from a state to its lines, with the keyboard too (prefect-archive/legacy-ui#1022)", async () => {
      const { screen } = await renderPage(AsgPage, "/asg?id=run-2&tab=timeline", failedApi);
      const bar = screen.getByRole("link", { name: "Create groups: succeeded, 2m, its messages" });
      await expect.element(bar).toBeVisible();

      (bar.element() as HTMLElement).focus();
      await userEvent.keyboard("{Enter}");

      await expect.element(screen.getByText("created group web-42")).toBeVisible();
      expect(screen.getByText("web: 3 of 5 are healthy").query()).toBeNull();
      const step = screen.getByRole("link", { name: "Create groups: succeeded, 2m", exact: true });
      await expect.element(step).toHaveAttribute("aria-current", "page");
    });

    it("retries with the same values", async () => {
      const { screen, sent } = await renderPage(AsgPage, "/asg?id=run-2", {
        ...failedApi,
        "POST /v1/jobs/run-2/retry": run,
      });
      await screen.getByRole("button", { name: "Retry…" }).click();
      await screen.getByRole("button", { name: "Retry", exact: true }).click();

      await expect.element(screen.getByText("Retry was sent.")).toBeVisible();
      expect(sent.filter(({ method }) => method === "POST").map(({ path: to }) => to)).toEqual([
        "/v1/jobs/run-2/retry",
      ]);
    });

    it.each([390, 1_024])("keeps within a page %i px wide, names in full (airflow#20125)", async (width) => {
      await page.viewport(width, 1_000);
      const { screen } = await renderPage(AsgPage, "/asg?id=run-2&tab=timeline", failedApi);
      const timeline = screen.getByRole("region", { name: "Timeline since the start" });
      await expect.element(timeline.getByText("Detach the new version")).toBeVisible();

      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      const cut = [...document.querySelectorAll(".gantt-name")].filter(
        (name) => name.scrollWidth > name.clientWidth && name.getAttribute("title") !== name.textContent,
      );
      expect(cut).toEqual([]);
    });

    it("does not cut off the last time of the axis (airflow#55554)", async () => {
      await page.viewport(1_440, 1_000);
      const { screen } = await renderPage(AsgPage, "/asg?id=run-2&tab=timeline", failedApi);
      await expect.element(screen.getByRole("region", { name: "Timeline since the start" })).toBeVisible();

      const axis = document.querySelector(".ticks")?.getBoundingClientRect() ?? new DOMRect();
      const ends = document.querySelector(".gantt-end")?.getBoundingClientRect() ?? new DOMRect();
      const ticks = [...document.querySelectorAll(".gantt-tick")].map((tick) => tick.getBoundingClientRect());
      expect(ticks.length).toBeGreaterThan(2);
      for (const tick of ticks) expect([tick.width < axis.width, tick.right <= ends.left]).toEqual([true, true]);
    });
  });

  it("halts only with a reason and the project's name", async () => {
    const { screen, sent } = await renderPage(AsgPage, "/asg?id=run-2", {
      ...api,
      "POST /v1/jobs/run-2/cancel": { ...run, cancelling: true },
    });
    await screen.getByRole("button", { name: "Halt…" }).click();
    const confirm = screen.getByRole("button", { name: "Halt", exact: true });
    await expect.element(confirm).toHaveAttribute("aria-disabled", "true");
    await screen.getByLabelText("Reason").fill("wrong image");
    await screen.getByLabelText(/to confirm/).fill(at.project);
    await confirm.click();

    await expect.element(screen.getByText("Halt was sent.")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({ reason: "wrong image" });
  });

  it("does not roll back while the release runs", async () => {
    const { screen } = await renderPage(AsgPage, "/asg?id=run-2", api);

    await screen.getByRole("button", { name: "More actions" }).click();
    await expect
      .element(screen.getByRole("button", { name: "Roll back…" }))
      .toHaveAccessibleDescription("The release still runs");
    expect(document.querySelector(".page-actions > .button")?.textContent).toBe("Halt…");
  });
});
