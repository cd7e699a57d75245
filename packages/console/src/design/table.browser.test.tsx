import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { renderPage } from "../testing/render-page.tsx";
import { StackLink } from "./stack-link.tsx";
import { Table } from "./table.tsx";
import "./base.css";

const HEADS = ["State", "Executor", "Sent", "Ends at the latest", "Worker", "Another worker", "Message"];

function Page() {
  return (
    <main>
      <h1>Page</h1>
      <Table
        label="Attempts"
        rows={["web-pr-484"]}
        keyOf={(id) => id}
        columns={[
          { header: "Stack", cell: (id) => <StackLink id={id} /> },
          { header: "Lock", cell: () => "" },
          ...HEADS.map((header) => ({ header, cell: () => "suspended" })),
        ]}
      />
    </main>
  );
}

it("has a shade where a part of it is beside the screen, and leaves a short id one word", async () => {
  await page.viewport(720, 600);
  const { screen } = await renderPage(Page, "/", {});
  const area = screen.getByRole("region", { name: "Attempts" }).element();
  await expect.poll(() => area.scrollWidth - area.clientWidth).toBeGreaterThan(0);

  // The ground scrolls with the content and covers the shades at its ends.
  expect(getComputedStyle(area).backgroundAttachment).toBe("local, local, scroll, scroll");
  expect(screen.getByRole("link", { name: "web-pr-484" }).element().getClientRects()).toHaveLength(1);
});

it("is a list on a phone, which would cut it: the head of a column is beside each cell, and it is a table still", async () => {
  await page.viewport(390, 600);
  const { screen } = await renderPage(Page, "/", {});
  const area = screen.getByRole("region", { name: "Attempts" }).element();
  const last = screen.getByRole("cell").last();
  await expect.element(last).toBeVisible();

  expect(area.scrollWidth).toBe(area.clientWidth);
  const head = last.element().querySelector(".cell-head") ?? document.body;
  expect(getComputedStyle(head, "::before").content).toContain("Message");
  await expect.element(last).toHaveAccessibleName("suspended");
  expect(last.element().getBoundingClientRect().right).toBeLessThanOrEqual(390);
  // A name without a value says nothing.
  const names = [...area.querySelectorAll(".cell-head")].map((each) => each.getAttribute("data-head"));
  expect(names).toEqual(HEADS);
  expect(area.querySelector("td:empty")?.getClientRects()).toHaveLength(0);
  const roles = ["table", "thead", "tbody tr", "td", "th"].map((each) =>
    area.querySelector(each)?.getAttribute("role"),
  );
  expect(roles).toEqual(["table", "rowgroup", "row", "cell", "columnheader"]);
});
