import { expect, it } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { EditPage } from "./edit-page.tsx";

const hash = "aa".repeat(32);
const machine = { version: 2, events: ["OPENED"], states: { INIT: { on: { OPENED: "LIVE" } }, LIVE: {} }, tasks: {} };

it("opens the text of a machine with errors, with its problems marked", async () => {
  const source = `version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n`;
  const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/source": {
      machine: "shop",
      source,
      hash: "x",
      origin: "s3://yard/machines/shop.yaml",
      writable: false,
      problems: [],
    },
  });

  await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/"LIVE"/)).toBeVisible();
  await expect.element(screen.getByText("The graph is drawn as soon as the text is a valid machine.")).toBeVisible();
  await expect.poll(() => document.querySelector(".cm-lintRange-error")?.textContent).toBe("LIVE");
});

it("shows a machine of TypeScript as the document that it makes, read-only", async () => {
  const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/source": {
      machine: "shop",
      source: "export default defineMachine({})",
      hash: "x",
      origin: "/yard/machines/shop.ts",
      writable: false,
      problems: [],
    },
    "GET /v1/machines/shop": {
      name: "shop",
      status: "valid",
      hash,
      problems: [],
      version: 2,
      revision: "pin",
      events: [],
      states: [],
      tasks: [],
    },
    [`GET /v1/revisions/${hash}`]: {
      machine: "shop",
      hash,
      source: JSON.stringify(machine),
      current: true,
      stacks: 0,
    },
  });

  await expect.element(screen.getByText("Read only. Change it in /yard/machines/shop.ts.")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  await expect.element(screen.getByRole("button", { name: "Save" })).not.toBeInTheDocument();
});
