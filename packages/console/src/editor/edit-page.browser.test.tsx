import { parseMachine } from "@stackyard/core/machine";
import type { Me } from "@stackyard/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { type Answer, admin, problem, renderPage, viewer } from "../testing/render-page.tsx";
import { EditPage } from "./edit-page.tsx";
import { SimulatePage } from "./simulate-page.tsx";
import { selectState, textOf } from "./testing/open-workbench.tsx";

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(1280, 800);
});

const hash = "aa".repeat(32);
const source = `version: 2
events: [OPENED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { tasks: [app] }
tasks:
  app: { executor: script, config: { file: f } }
`;
const script = {
  name: "script",
  resumable: true,
  config: { type: "object", required: ["file"], properties: { file: { type: "string" } } },
};
const stack = {
  id: "pr-1",
  machine: "shop",
  hash,
  now: "2026-11-26T00:00:00Z",
  state: "INIT",
  previousState: null,
  metadata: {},
  visits: { INIT: 1 },
  entry: 1,
  enteredAt: "2026-11-26T00:00:00Z",
  tasks: [],
  attempts: [],
  timers: [],
};

const SOURCE = { machine: "shop", source, hash: "x", origin: "/yard/shop.yaml", writable: true, problems: [] };

const ANSWERS: Readonly<Record<string, Answer>> = {
  "GET /v1/executors": { items: [script] },
  "GET /v1/machines": { items: [{ name: "shop" }, { name: "other" }] },
  "GET /v1/machines/shop/source": SOURCE,
  [`GET /v1/revisions/${hash}`]: { machine: "shop", hash, source, current: true, stacks: 1 },
  "GET /v1/stacks/pr-1/snapshot": { stack },
};

const PAGES = [
  ["/edit?machine=shop", EditPage],
  [`/edit?machine=shop&rev=${hash}`, EditPage],
  ["/simulate?machine=shop", SimulatePage],
  ["/simulate?stack=pr-1&machine=shop", SimulatePage],
] as const;

/** Sentences about a document or a yard that a page must not say before it knows them. */
const CLAIMS =
  /no (states|problems|steps|timer|executors?|machines?|events)|not found|0 problems|\(0\)|valid|none|unknown/i;

/** A server that answers one request when it is told to. */
function hold(key: string) {
  let answer = () => {};
  const held = new Promise((resolve) => {
    answer = () => resolve(ANSWERS[key]);
  });
  return { api: { ...ANSWERS, [key]: () => held }, answer };
}

/** Longer than it takes until what is loading is shown as such. */
const LATER_MS = 500;

function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LATER_MS));
}

/** All that the page says, except the text of the document. */
function words(): string {
  const copy = document.body.cloneNode(true) as HTMLElement;
  for (const part of copy.querySelectorAll("script, style, .text-pane, summary + *")) part.remove();
  return copy.textContent ?? "";
}

describe("while the server does not answer yet", () => {
  it.each(PAGES)("%s shows that it loads, and claims nothing", async (address, shown) => {
    const never = Object.fromEntries(Object.keys(ANSWERS).map((key) => [key, () => new Promise(() => {})]));
    await renderPage(shown, address, never);

    await expect.poll(() => document.querySelector(".skeleton[aria-busy='true']")).not.toBeNull();
    await later();

    expect(words()).not.toMatch(CLAIMS);
  });

  it("claims no problems before the configs of tasks can be checked (kestra#1946)", async () => {
    const { api, answer } = hold("GET /v1/executors");
    const faulty = { ...SOURCE, source: source.replace("file: f", "") };
    const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
      ...api,
      "GET /v1/machines/shop/source": faulty,
    });
    await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
    await later();

    expect(words()).not.toMatch(CLAIMS);
    answer();

    await expect.element(screen.getByText(/^\d problems?$/)).toBeVisible();
    await screen.getByRole("button", { name: "1 error, 2 warnings" }).click();
    await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/needs "file"/)).toBeVisible();
    await screen.getByRole("button", { name: "1 error, 2 warnings" }).click();
  });

  it("says that the machines of the yard are loading, not that there are none", async () => {
    const { api, answer } = hold("GET /v1/machines");
    const { screen } = await renderPage(EditPage, "/edit?machine=shop", api);
    const opener = screen.getByLabelText("Open a machine of the yard");

    await expect.element(opener).toHaveAttribute("aria-busy", "true");
    await expect.element(opener).toHaveTextContent("Machines loading…");
    answer();

    await expect.element(opener.getByText("other")).toBeInTheDocument();
  });

  it("claims nothing while the newest text is compared with a revision", async () => {
    const { api, answer } = hold("GET /v1/machines/shop/source");
    const { screen } = await renderPage(EditPage, `/edit?machine=shop&rev=${hash}&tab=diff`, api);
    await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
    await later();

    await expect.element(screen.getByText("No differences.")).not.toBeInTheDocument();
    answer();

    await expect.element(screen.getByText("No differences.")).toBeVisible();
  });
});

describe("when the server fails", () => {
  const FAILING = [
    { address: "/edit?machine=shop", page: EditPage, key: "GET /v1/machines/shop/source" },
    { address: `/edit?machine=shop&rev=${hash}`, page: EditPage, key: `GET /v1/revisions/${hash}` },
    { address: "/simulate?machine=shop", page: SimulatePage, key: "GET /v1/machines/shop/source" },
    { address: "/simulate?stack=pr-1&machine=shop", page: SimulatePage, key: "GET /v1/stacks/pr-1/snapshot" },
    { address: "/edit?machine=shop", page: EditPage, key: "GET /v1/executors" },
    { address: `/edit?machine=shop&rev=${hash}`, page: EditPage, key: "GET /v1/machines/shop/source" },
  ];

  it.each(FAILING)(
    "$address says why and tries again, when this fails: $key",
    async ({ address, page: shown, key }) => {
      // The client sends a request a second time by itself.
      let count = 0;
      const failing = () => {
        count += 1;
        return count > 2 ? ANSWERS[key] : problem(503, "STORE_UNAVAILABLE", "The store does not answer.");
      };
      const { screen } = await renderPage(shown, address, { ...ANSWERS, [key]: failing });

      await expect.element(screen.getByRole("alert").getByText("The store does not answer.")).toBeVisible();
      await expect.element(screen.getByText(/STORE_UNAVAILABLE/)).toBeVisible();
      expect(words()).not.toMatch(/not found|no problems|no states/i);
      await screen.getByRole("button", { name: "Retry", exact: true }).click();

      await expect.element(screen.getByText("The store does not answer.")).not.toBeInTheDocument();
      await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
    },
  );

  it("keeps what is written and its form while the executors are missing", async () => {
    const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
      ...ANSWERS,
      "GET /v1/executors": problem(503, "STORE_UNAVAILABLE", "The store does not answer."),
    });
    await expect.element(screen.getByText(/so configs of tasks are not checked/)).toBeVisible();

    await selectState(screen, "LIVE");
    await screen.getByLabelText("Timeout of app").fill("5m");
    await userEvent.keyboard("{Enter}");

    await expect.poll(textOf).toContain("timeout: 5m");
  });
});

it("keeps a draft for the person who has written it, and shows it to no other one", async () => {
  const open = (me: Me) => renderPage(EditPage, "/edit?machine=shop", { ...ANSWERS, "GET /v1/me": me });
  const ada = await open(admin);
  await selectState(ada.screen, "LIVE");
  await ada.screen.getByLabelText("Timeout of app").fill("5m");
  await userEvent.keyboard("{Enter}");
  await expect.poll(() => localStorage.getItem("stackyard-drafts")).toContain("timeout: 5m");
  await ada.screen.unmount();

  const eve = await open({ ...viewer, id: "eve" });
  await expect.element(eve.screen.getByTestId("rf__node-LIVE")).toBeVisible();
  expect(textOf()).not.toContain("timeout: 5m");
  await eve.screen.unmount();

  const again = await open({ ...admin, name: "ada lovelace" });
  await expect.element(again.screen.getByText("Your draft of an earlier visit is open.")).toBeVisible();
  expect(textOf()).toContain("timeout: 5m");
  await again.screen.unmount();
});

const TIMER = { id: "after", event: "OPENED", dueAt: "2026-11-26T01:00:00Z" };

it("begins a simulation with the stack as it was, in the graph and as its first step", async () => {
  const timed = source.replace(
    "LIVE: { tasks: [app] }",
    "LIVE: { tasks: [app], after: [{ in: 1h, event: OPENED }], on: { OPENED: no-op } }",
  );
  const known = parseMachine(timed, { name: "shop" }).machine?.hash ?? "";
  const { screen } = await renderPage(SimulatePage, "/simulate?stack=pr-1&machine=shop", {
    ...ANSWERS,
    "GET /v1/stacks/pr-1/snapshot": {
      stack: { ...stack, hash: known, state: "LIVE", previousState: "INIT", timers: [TIMER] },
    },
    [`GET /v1/revisions/${known}`]: { machine: "shop", hash: known, source: timed, current: true, stacks: 1 },
  });

  await expect.element(screen.getByText("stack pr-1 as it was")).toBeInTheDocument();
  await expect.poll(() => document.querySelector(".graph-node.current .graph-name")?.textContent).toBe("LIVE");
  await expect.element(screen.getByRole("button", { name: /^To OPENED, in / })).toBeInTheDocument();
});
